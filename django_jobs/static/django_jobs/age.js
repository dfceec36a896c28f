/* Beside a time stands how long ago it was. On a page that stays open this keeps it true. Times
   without an offset mean another clock than the browser's, and are left alone. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
    const EVERY = 30000;
    const WITH_OFFSET = /(Z|[+-]\d\d:\d\d)$/;
    /* Unit, its seconds, and from how many seconds on it is used. */
    const UNITS = [["day", 86400, 172800], ["hour", 3600, 7200], ["minute", 60, 60], ["second", 1, 0]];
    const words = new Intl.RelativeTimeFormat(document.documentElement.lang || undefined, {style: "short"});

    const age = (seconds) => {
        const [unit, length] = UNITS.find(([, , from]) => Math.abs(seconds) >= from);
        return words.format(Math.trunc(seconds / length), unit);
    };

    setInterval(() => {
        for (const element of document.querySelectorAll("time + .jobs-age")) {
            const moment = element.previousElementSibling.dateTime;
            if (WITH_OFFSET.test(moment)) {
                element.textContent = age((Date.parse(moment) - Date.now()) / 1000);
            }
        }
    }, EVERY);
});
