/**
 * The two characters that UTF-8 letters become in windows-1252 ("Ã£" for "ã"), MacRoman ("√£") or code page 850 ("├ú"). Signs that can
 * follow a capital letter in a correct text (closing quotes, dashes, no-break space) are not included.
 */
const GARBLED = /[ÂÃÄÅ][\u{A1}-\u{BF}€‚ƒ„†‡ˆ‰Š‹Œ‘“•˜™š›œžŸ]|â€|ï»¿|√[^\s\d]|[├┬]\S/u;

/** Whether a text has letters that were read in a wrong encoding earlier, for example "JoÃ£o" for "João". */
export const isGarbled = (text: string): boolean => GARBLED.test(text);
