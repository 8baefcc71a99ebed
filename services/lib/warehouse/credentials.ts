/** Who logs in to the warehouse. */
export interface Login {
  readonly user: string;
  readonly password?: string;
}

export interface IssuedLogin extends Login {
  /** Epoch ms. A session that is open by then stays open. */
  readonly expiresAt: number;
}

export interface LoginSource {
  get(): Promise<Login>;
  /** It was refused: the next session asks for another. */
  forget(): void;
}

export const fixedLogin = (login: Login): LoginSource => ({ get: async () => login, forget: () => undefined });

/** Before it expires: connecting takes seconds, clocks differ by some, and a refusal in between leaves time to ask again. */
export const renewBeforeMs = 300_000;

/**
 * Keeps what was issued and asks for another in time; who asks meanwhile waits for the same answer. When none is issued, the held
 * one serves until it expires, so that the API may be away for a while.
 */
export function cachedLogin(issue: () => Promise<IssuedLogin>, now: () => number): LoginSource {
  let held: IssuedLogin | undefined;
  let asking: Promise<IssuedLogin> | undefined;
  return {
    async get() {
      if (held !== undefined && now() < held.expiresAt - renewBeforeMs) return held;
      asking ??= issue().finally(() => {
        asking = undefined;
      });
      try {
        held = await asking;
        return held;
      } catch (error) {
        if (held !== undefined && now() < held.expiresAt) return held;
        throw error;
      }
    },
    forget() {
      held = undefined;
    },
  };
}
