/* Keeps a page up to date. The page has one

     <div id="jobs-live" hidden data-url="…" data-interval="2000"></div>

   whose address answers with elements that carry an id and data-live. Those that changed take the
   place of theirs on the page. When one of them has data-finished, nothing more will change.
   The words of the button come from data-pause, data-resume and so on, in the user's language. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
    const source = document.getElementById("jobs-live");
    if (!source) {
        return;
    }
    const INTERVAL = Number(source.dataset.interval) || 2000;
    const LONGEST = 30000;
    /* After one failure it may come back unnoticed. */
    const FAILURES = 2;
    const words = {
        pause: "Pause",
        resume: "Resume",
        liveText: "Live",
        pausedText: "Paused at %s",
        staleText: "Not live since %s",
        ...source.dataset,
    };
    let pause = INTERVAL;
    let timer = null;
    let isLooking = false;
    let isPaused = false;
    let failures = 0;
    let etag = null;
    let lastSeen = new Date();

    const isFinished = () => document.querySelector("[data-live][data-finished]") !== null;

    /* The button and the word beside it: made here, for without a script there is nothing to pause. */
    const controls = document.createElement("p");
    const button = document.createElement("button");
    const state = document.createElement("span");
    controls.className = "jobs-live-controls";
    button.type = "button";
    /* It speaks only when the word changes, never at each look. */
    state.setAttribute("role", "status");
    controls.append(state, button);
    source.after(controls);

    const say = (element, text) => {
        if (element.textContent !== text) {
            element.textContent = text;
        }
    };

    const clock = () => lastSeen.toLocaleTimeString(
        document.documentElement.lang || undefined, {hour: "2-digit", minute: "2-digit"}
    );

    const showState = () => {
        const kind = isPaused ? "paused" : failures >= FAILURES ? "stale" : "live";
        controls.dataset.state = kind;
        controls.hidden = isFinished();
        say(state, words[`${kind}Text`].replace("%s", clock()));
        say(button, isPaused ? words.resume : words.pause);
    };

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
        let isAllShown = true;
        for (const fresh of answer.querySelectorAll("[data-live]")) {
            const part = document.getElementById(fresh.id);
            /* Buttons carry a token that is new every time; their key tells whether they changed. */
            const isSame = fresh.dataset.live
                ? fresh.dataset.live === part?.dataset.live
                : part?.isEqualNode(fresh);
            if (part && !isSame) {
                if (isInUse(part)) {
                    isAllShown = false;
                } else {
                    keepOpen(part, fresh);
                    part.replaceWith(document.adoptNode(fresh));
                }
            }
        }
        return isAllShown;
    };

    const look = async () => {
        timer = null;
        if (document.hidden || isPaused || isLooking) {
            return;
        }
        isLooking = true;
        try {
            const headers = etag ? {"If-None-Match": etag} : {};
            const answer = await fetch(source.dataset.url, {redirect: "error", headers});
            if (answer.status !== 304) {
                if (!answer.ok) {
                    throw new Error(answer.statusText);
                }
                const html = await answer.text();
                /* Whoever paused meanwhile reads what is there. */
                etag = !isPaused && show(html) ? answer.headers.get("ETag") : null;
            }
            pause = INTERVAL;
            failures = 0;
            if (!isPaused) {
                lastSeen = new Date();
            }
        } catch {
            pause = Math.min(INTERVAL * 2 ** failures, LONGEST);
            failures += 1;
        }
        isLooking = false;
        showState();
        plan();
    };

    const plan = () => {
        if (timer === null && !isPaused && !isFinished()) {
            timer = setTimeout(look, pause);
        }
    };

    const lookNow = () => {
        clearTimeout(timer);
        look();
    };

    button.addEventListener("click", () => {
        isPaused = !isPaused;
        showState();
        if (isPaused) {
            clearTimeout(timer);
            timer = null;
        } else {
            lookNow();
        }
    });

    document.addEventListener("visibilitychange", () => {
        if (!document.hidden && timer === null && !isFinished()) {
            look();
        }
    });
    showState();
    plan();
});
