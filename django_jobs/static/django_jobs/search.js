/* Suggestions for the word that is being typed: browsers compare them with the whole text, so without
   this script there are some for the first word only. */
"use strict";

{
    const box = document.getElementById("searchbar");
    const options = [...(box?.list?.options ?? [])].map((option) => [option, option.value]);

    /* Where the last word begins: after a space that is in no quotes, and after a minus. */
    const begin = (text) => {
        let start = 0;
        let isQuoted = false;
        [...text].forEach((character, place, all) => {
            if (character === '"' && all[place - 1] !== "\\") {
                isQuoted = !isQuoted;
            } else if (/\s/.test(character) && !isQuoted) {
                start = place + 1;
            }
        });
        const before = [...text].slice(0, start).join("");
        return text.startsWith("-", before.length) ? `${before}-` : before;
    };

    box?.addEventListener("input", () => {
        const before = begin(box.value);
        for (const [option, suggestion] of options) {
            option.value = before + suggestion;
        }
    });
}
