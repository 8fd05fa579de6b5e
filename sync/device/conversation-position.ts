/** Where a device stands in a conversation whose entries it reads, or has read, from the conversation itself. */
export interface Place {
  /** Everything up to here was handed over, or is not for this device. */
  readonly at: bigint;
  /** The conversation is read from its own Timeline since this marker. */
  readonly since?: bigint;
  /** After a resync: what lies up to here is read from the Timeline, what follows comes by the inbox. */
  readonly until?: bigint;
}

/** Does what comes next come from the conversation's own Timeline? */
export function isFollowed({ at, since, until }: Place): boolean {
  return since !== undefined || (until !== undefined && at < until);
}

/** The further of two; law Checkpoint. */
export function further(a: Place | undefined, b: Place): Place {
  if (!a || b.at > a.at) return b;
  return b.at < a.at
    ? a
    : { at: a.at, ...optional('since', b.since ?? a.since), ...optional('until', b.until ?? a.until) };
}

/** At, since and until, as decimal strings with `-` for what is absent. */
export function encodePlaces(places: ReadonlyMap<string, Place>): Record<string, string> {
  return Object.fromEntries(
    [...places].map(([conversation, { at, since, until }]) => [conversation, `${at} ${since ?? '-'} ${until ?? '-'}`]),
  );
}

export function decodePlaces(encoded: unknown): Map<string, Place> {
  return new Map(
    Object.entries(encoded as Record<string, string>).map(([conversation, text]) => {
      const [at, since, until] = text.split(' ').map((part) => (part === '-' ? undefined : BigInt(part)));
      if (at === undefined) throw new SyntaxError('a place without position');
      return [conversation, { at, ...optional('since', since), ...optional('until', until) }];
    }),
  );
}

function optional<K extends string>(name: K, value: bigint | undefined): { [P in K]?: bigint } {
  return value === undefined ? {} : ({ [name]: value } as { [P in K]?: bigint });
}
