/** Folds in entries as they arrive, and once more after answers, which may be older than they. */
export interface LaterEntries<E> {
  /** Answers are under way. */
  readonly isWaiting: boolean;
  add(entry: E): void;
  /** Takes an answer over, unless there is none, and then what has arrived since it was asked for. */
  answered<A, R>(asked: Promise<A | undefined>, take: (answer: A) => R): Promise<R | undefined>;
}

export function createLaterEntries<E>(fold: (entry: E) => void, onChange: () => void): LaterEntries<E> {
  let answersUnderWay = 0;
  let recent: E[] = [];
  return {
    get isWaiting() {
      return answersUnderWay > 0;
    },
    add: (entry) => {
      if (answersUnderWay > 0) recent.push(entry);
      fold(entry);
      onChange();
    },
    answered: async (asked, take) => {
      answersUnderWay++;
      try {
        const answer = await asked;
        if (!answer) return undefined;
        const result = take(answer);
        for (const entry of recent) fold(entry);
        onChange();
        return result;
      } finally {
        if (--answersUnderWay === 0) recent = [];
      }
    },
  };
}
