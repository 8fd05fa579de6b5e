import type { ConversationSettings } from '../../../sync/types.js';
import type { Attempts } from './attempts.js';
import type { Host } from './world.js';

const NAMES = ['muted', 'archived', 'pinned'] as const;

interface Change {
  readonly user: string;
  readonly conversation: string;
  readonly name: keyof ConversationSettings;
  readonly value: boolean;
  readonly begun: number;
  /** `undefined` without an answer: the change may have come into force at any time, or never. */
  ended: number | undefined;
}

/** Changes settings, and knows which values may stand at the end. */
export class SettingsCommands {
  readonly #attempts: Attempts;
  readonly #changes: Change[] = [];
  #time = 0;

  constructor(attempts: Attempts) {
    this.#attempts = attempts;
  }

  async configure(
    host: Host,
    { user, conversation, choice }: { readonly user: string; readonly conversation: string; readonly choice: number },
  ): Promise<void> {
    const name = NAMES[choice % NAMES.length]!;
    const value = choice % 2 === 0;
    const change: Change = { user, conversation, name, value, begun: this.#time++, ended: undefined };
    this.#changes.push(change);
    const what = `configure ${name}: ${value} in ${conversation} for ${user}`;
    const answer = await this.#attempts.run(host, what, () =>
      host.sync.configure(user, conversation, { [name]: value }),
    );
    if (answer) change.ended = this.#time++;
  }

  /** Returns those of the settings that no order of the changes explains. */
  wrongOnes(user: string, conversation: string, settings: ConversationSettings): string[] {
    return NAMES.filter((name) => !this.#possible(user, conversation, name).has(settings[name]));
  }

  #possible(user: string, conversation: string, name: keyof ConversationSettings): Set<boolean> {
    const all = this.#changes.filter(
      (each) => each.user === user && each.conversation === conversation && each.name === name,
    );
    const answered = all.filter(({ ended }) => ended !== undefined);
    const isFollowed = ({ ended }: Change) => ended !== undefined && answered.some(({ begun }) => begun > ended);
    const possible = new Set(all.filter((each) => !isFollowed(each)).map(({ value }) => value));
    return answered.length === 0 ? possible.add(false) : possible;
  }
}
