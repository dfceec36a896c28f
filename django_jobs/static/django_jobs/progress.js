/* Moves the bars of {% job_progress %}: asks every two seconds, until the job has ended. */
"use strict";

(() => {
    const INTERVAL = 2000;
    const LONGEST = 30000;

    const parse = (html) => new DOMParser().parseFromString(html, "text/html");

    /* In place, so that a screen reader hears of a new state and of nothing else. */
    const update = (state, fresh) => {
        state.dataset.status = fresh.dataset.status;
        state.querySelector("progress").value = fresh.querySelector("progress").value;
        for (const part of fresh.querySelectorAll("[data-part]")) {
            const old = state.querySelector(`[data-part="${part.dataset.part}"]`);
            if (old && old.textContent !== part.textContent) {
                old.textContent = part.textContent;
            }
        }
    };

    const follow = (box) => {
        const state = box.querySelector(".django-jobs-state");
        const refresh = box.querySelector(".django-jobs-refresh");
        let pause = INTERVAL;
        let timer = null;
        let isOver = false;
        refresh.hidden = true;

        const giveUp = () => {
            isOver = true;
            refresh.hidden = false;
        };

        const look = async () => {
            timer = null;
            if (document.hidden) {
                return;
            }
            try {
                const answer = await fetch(box.dataset.jobsProgress, {credentials: "same-origin"});
                if (answer.status === 404) {
                    giveUp();
                    return;
                }
                if (!answer.ok) {
                    throw new Error(answer.statusText);
                }
                const fresh = parse(await answer.text()).querySelector(".django-jobs-state");
                update(state, fresh);
                pause = INTERVAL;
                if (fresh.dataset.finished !== undefined) {
                    isOver = true;
                    box.dispatchEvent(new CustomEvent("jobs:finished", {
                        bubbles: true, detail: {status: fresh.dataset.status},
                    }));
                }
            } catch {
                pause = Math.min(pause * 2, LONGEST);
            }
            plan();
        };

        const plan = () => {
            if (timer === null && !isOver) {
                timer = setTimeout(look, pause);
            }
        };

        document.addEventListener("visibilitychange", () => {
            if (!document.hidden && timer === null && !isOver) {
                look();
            }
        });
        plan();
    };

    /* The script stands beside every bar and runs as often. */
    for (const box of document.querySelectorAll("[data-jobs-progress]:not([data-followed])")) {
        box.dataset.followed = "";
        follow(box);
    }
})();
