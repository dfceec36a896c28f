/* Keeps the page of an unfinished job up to date: fetches its live parts every two seconds. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
    const source = document.getElementById("jobs-live");
    if (!source) {
        return;
    }
    const INTERVAL = 2000;
    const LONGEST = 30000;
    let pause = INTERVAL;
    let timer = null;

    const isFinished = () => document.querySelector("#jobs-summary[data-finished]") !== null;

    /* Somebody types into it, or selected text in it, to copy a traceback. */
    const isInUse = (part) => {
        const selection = document.getSelection();
        const selected = selection && !selection.isCollapsed && selection.intersectsNode !== undefined
            ? selection.containsNode(part, true) : false;
        const typed = [...part.querySelectorAll("input[type=text]")].some((input) => input.value);
        return selected || typed || part.contains(document.activeElement);
    };

    const keepOpen = (before, after) => {
        const old = before.querySelectorAll("details");
        const fresh = after.querySelectorAll("details");
        if (old.length === fresh.length) {
            fresh.forEach((one, index) => {
                one.open = old[index].open;
            });
        }
    };

    const show = (html) => {
        const answer = new DOMParser().parseFromString(html, "text/html");
        for (const fresh of answer.querySelectorAll("[data-live]")) {
            const part = document.getElementById(fresh.id);
            /* Buttons carry a token that is new every time; their key tells whether they changed. */
            const isSame = fresh.dataset.live
                ? fresh.dataset.live === part?.dataset.live
                : part?.isEqualNode(fresh);
            if (part && !isSame && !isInUse(part)) {
                keepOpen(part, fresh);
                part.replaceWith(document.adoptNode(fresh));
            }
        }
    };

    const look = async () => {
        timer = null;
        if (document.hidden) {
            return;
        }
        try {
            const answer = await fetch(source.dataset.url, {redirect: "error"});
            if (!answer.ok) {
                throw new Error(answer.statusText);
            }
            show(await answer.text());
            pause = INTERVAL;
        } catch {
            pause = Math.min(pause * 2, LONGEST);
        }
        plan();
    };

    const plan = () => {
        if (timer === null && !isFinished()) {
            timer = setTimeout(look, pause);
        }
    };

    document.addEventListener("visibilitychange", () => {
        if (!document.hidden && timer === null && !isFinished()) {
            look();
        }
    });
    plan();
});
