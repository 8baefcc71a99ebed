import { type CreateSurelyOptions, createSurely } from '../objects/create-surely.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import { type DeadLetter, deadLetterKey, encodeDeadLetter } from './format.ts';

export interface DeadLetters {
  /**
   * Resolves when the letter is stored for good; the same source position is the same object, so a repeat changes nothing.
   * A store that is down is tried again for as long as it takes: the caller must not checkpoint before.
   */
  put(letter: Omit<DeadLetter, 'service'>): Promise<void>;
}

export function createDeadLetters(store: ObjectStore, service: string, options: CreateSurelyOptions = {}): DeadLetters {
  return {
    async put(letter) {
      const whole: DeadLetter = { ...letter, service };
      await createSurely(store, deadLetterKey(whole), encodeDeadLetter(whole), options);
    },
  };
}
