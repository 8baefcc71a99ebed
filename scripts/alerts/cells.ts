const wide =
  /^(\p{Emoji_Presentation}|\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|[\u3000-\u303f\uff01-\uff60])/u;
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
const lettersOf = (text: string): string[] => Array.from(graphemes.segment(text), ({ segment }) => segment);
const widthOf = (letter: string): number => (wide.test(letter) ? 2 : 1);

/** Columns that a text takes on a terminal. */
export const width = (text: string): number => lettersOf(text).reduce((sum, letter) => sum + widthOf(letter), 0);

/** Users choose their ids: what could steer a terminal, or turn the line's direction, is shown as `�`. */
export const printable = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '\ufffd');

/** At most `columns` wide, with `…` where it was cut. */
export function cut(text: string, columns: number): string {
  if (width(text) <= columns) return text;
  let kept = '';
  let used = 1;
  for (const letter of lettersOf(text)) {
    used += widthOf(letter);
    if (used > columns) break;
    kept += letter;
  }
  return `${kept}…`;
}

export const padEnd = (text: string, columns: number): string => text + ' '.repeat(Math.max(0, columns - width(text)));
export const padStart = (text: string, columns: number): string => ' '.repeat(Math.max(0, columns - width(text))) + text;

export type Color = 'red' | 'green' | 'yellow' | 'magenta' | 'cyan' | 'dim' | 'bold';
export type Paint = (text: string, color: Color) => string;

const codes: Readonly<Record<Color, number>> = { red: 31, green: 32, yellow: 33, magenta: 35, cyan: 36, dim: 2, bold: 1 };

export const painter = (isColored: boolean): Paint =>
  isColored ? (text, color) => `\u001b[${codes[color]}m${text}\u001b[0m` : (text) => text;
