/** Splits a text into tokens. Approximates dictionary analyzers (`max_word`, `min_word`) by `single_word`. */
import { FuzzyParameter, SingleWordParameter, SplitParameter } from '../wire/messages-search.js';
import { decode } from '../wire/protobuf.js';

export interface Analyzer {
  tokens(text: string): string[];
  /** Returns true if `text` contains the tokens of `phrase` next to each other, in order. */
  holdsPhrase(text: string, phrase: string): boolean;
}

const NOTHING = new Uint8Array();
const CJK = String.raw`[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]`;
/** One CJK character, or a run of other letters and digits. */
const WORD = new RegExp(String.raw`${CJK}|(?:(?!${CJK})[\p{L}\p{N}_])+`, 'gu');
/** The same, with letters and digits in separate runs. */
const DELIMITED_WORD = new RegExp(String.raw`${CJK}|(?:(?!${CJK})\p{L})+|\p{N}+`, 'gu');

export function analyzerOf(name: string | undefined, parameter: Uint8Array = NOTHING): Analyzer {
  if (name === 'split') return splitAnalyzer(parameter);
  if (name === 'fuzzy') return fuzzyAnalyzer(parameter);
  const { caseSensitive = false, delimitWord = false } = decode(SingleWordParameter, parameter);
  return ofTokens(
    (text) => (caseSensitive ? text : text.toLowerCase()).match(delimitWord ? DELIMITED_WORD : WORD) ?? [],
  );
}

function splitAnalyzer(parameter: Uint8Array): Analyzer {
  const { delimiter, caseSensitive = false } = decode(SplitParameter, parameter);
  return ofTokens((text) =>
    (caseSensitive ? text : text.toLowerCase()).split(delimiter || /\s+/u).filter((token) => token !== ''),
  );
}

function ofTokens(tokens: (text: string) => string[]): Analyzer {
  const holdsPhrase = (text: string, phrase: string) => {
    const [all, wanted] = [tokens(text), tokens(phrase)];
    return wanted.length > 0 && all.some((_, start) => wanted.every((token, index) => all[start + index] === token));
  };
  return { tokens, holdsPhrase };
}

/** Makes every substring with a length in range a token, so a phrase is a substring. */
function fuzzyAnalyzer(parameter: Uint8Array): Analyzer {
  const { minChars = 1, maxChars = 3, caseSensitive = false } = decode(FuzzyParameter, parameter);
  const cased = (text: string) => (caseSensitive ? text : text.toLowerCase());
  const tokens = (text: string) => {
    const characters = [...cased(text)];
    const lengths = Array.from({ length: Math.max(0, maxChars - minChars + 1) }, (_, index) => minChars + index);
    return characters.flatMap((_, start) =>
      lengths
        .filter((length) => start + length <= characters.length)
        .map((length) => characters.slice(start, start + length).join('')),
    );
  };
  return { tokens, holdsPhrase: (text, phrase) => phrase !== '' && cased(text).includes(cased(phrase)) };
}
