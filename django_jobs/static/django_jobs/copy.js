/* "Copy" beside ids, parameters, results and tracebacks. Where the browser forbids it (a site without
   HTTPS) the text is selected, ready for Ctrl+C. The buttons are invisible without this script. */
"use strict";

document.documentElement.classList.add("jobs-can-copy");

document.addEventListener("click", async (event) => {
    const button = event.target.closest(".jobs-copy");
    if (!button) {
        return;
    }
    const text = button.parentElement.querySelector("pre, code");
    const word = button.dataset.word ??= button.textContent;
    try {
        await navigator.clipboard.writeText(text.textContent);
        button.textContent = button.dataset.done;
    } catch {
        document.getSelection().selectAllChildren(text);
        button.textContent = button.dataset.selected;
    }
    setTimeout(() => {
        button.textContent = word;
    }, 2000);
});
