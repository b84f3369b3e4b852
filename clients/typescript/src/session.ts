/** Who is signed in, and new tokens for old ones. */

import { type Ask, NotSignedIn, type Post, Refused, ask, meant } from "./asking.ts";
import { REFRESH, SIGN_IN } from "./documents.ts";
import type { RefreshAnswer, SignInAnswer, SignInVariables } from "./types.ts";

/** What a sign-in gives. Keep it where only the app can read it. */
export interface Credentials {
  accessToken: string;
  refreshToken: string;
}

/** Keeps the newest credentials: a refresh token works once, so the old ones are good for nothing now. */
export type Keep = (credentials: Credentials) => void | Promise<void>;

/** Sign in. Throws `Refused`: `SIGN_IN_FAILED`, `TOO_MANY_ATTEMPTS`. */
export async function signIn(post: Post, url: string, who: SignInVariables): Promise<Credentials> {
  const { result } = await ask<SignInAnswer>(post, url, {}, SIGN_IN, who);
  if (result.__typename === "Problem") throw new Refused(result.code, result.message);
  return { accessToken: result.accessToken, refreshToken: result.refreshToken };
}

export class Session {
  private readonly post: Post;
  private readonly url: string;
  private readonly headers: Record<string, string>;
  private readonly keep: Keep;
  private credentials: Credentials;
  private renewing: Promise<void> | undefined;

  constructor(post: Post, url: string, language: string, credentials: Credentials, keep: Keep) {
    this.post = post;
    this.url = url;
    this.headers = { "Accept-Language": language };
    this.credentials = credentials;
    this.keep = keep;
  }

  get token(): string {
    return this.credentials.accessToken;
  }

  /** Ask as whoever is signed in; once more with a new token if this one is no good any more. */
  readonly ask: Ask = async <Data>(document: string, variables: object): Promise<Data> => {
    const token = this.token;
    try {
      return await this.askWith<Data>(token, document, variables);
    } catch (error) {
      if (!(error instanceof NotSignedIn)) throw error;
      return this.askWith<Data>(await this.renew(token), document, variables);
    }
  };

  /** A token that is not the one that failed. Throws `NotSignedIn` when the sign-in is over. */
  async renew(failed: string): Promise<string> {
    // One for all who ask: a refresh token that is shown twice ends the sign-in.
    if (this.token === failed) await (this.renewing ??= this.refresh().finally(() => (this.renewing = undefined)));
    return this.token;
  }

  private async refresh(): Promise<void> {
    const variables = { refreshToken: this.credentials.refreshToken };
    const { result } = await ask<RefreshAnswer>(this.post, this.url, this.headers, REFRESH, variables);
    if (result.__typename === "Problem") throw meant(result.code, result.message);
    this.credentials = { accessToken: result.accessToken, refreshToken: result.refreshToken };
    await this.keep(this.credentials);
  }

  private askWith<Data>(token: string, document: string, variables: object): Promise<Data> {
    return ask<Data>(this.post, this.url, { ...this.headers, Authorization: `Bearer ${token}` }, document, variables);
  }
}
