import { hash } from 'node:crypto';

export const HASH_BYTES = 6;

/**
 * Hashes that stand for the long names of conversations in the cursors of one user, as strings in `latin1`. The secret
 * of the library goes into each: nobody can choose two names with the same hash.
 */
export class NameHashes {
  readonly #key: string;
  readonly #length: number;
  readonly #hashes = new Map<string, string>();
  /** `undefined` for the hash of several names. */
  readonly #names = new Map<string, string | undefined>();

  /** `length` in bytes. */
  constructor(secret: string, user: string, length = HASH_BYTES) {
    this.#key = JSON.stringify([secret, user]);
    this.#length = length;
  }

  /** Returns 32 bits that depend on the name and the tag of its epoch. */
  checkOf(name: string, epoch: number): number {
    return hash('sha256', `${this.#key}${epoch} ${name}`, 'buffer').readUInt32BE(0);
  }

  /** Returns `undefined` if another name seen so far has the same hash. */
  of(name: string): string | undefined {
    const found = this.#hashes.get(name) ?? this.#add(name);
    return this.#names.get(found) === undefined ? undefined : found;
  }

  /** Makes the names known to {@link nameOf}. */
  see(names: Iterable<string>): void {
    for (const name of names) if (!this.#hashes.has(name)) this.#add(name);
  }

  /** Returns the name seen so far that has the hash, `undefined` if none has. */
  nameOf(found: string): string | undefined {
    return this.#names.get(found);
  }

  /** `true` if several names seen so far have the hash. */
  isAmbiguous(found: string): boolean {
    return this.#names.has(found) && this.#names.get(found) === undefined;
  }

  #add(name: string): string {
    const added = hash('sha256', this.#key + name, 'buffer').toString('latin1', 0, this.#length);
    this.#hashes.set(name, added);
    this.#names.set(added, this.#names.has(added) ? undefined : name);
    return added;
  }
}
