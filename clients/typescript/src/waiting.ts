/** How long to wait before the next try, and waits that can be cut short. */

/** All in milliseconds. */
export interface Pace {
  /** What the first wait is at most; it doubles with each try. */
  first: number;
  /** What any wait is at most. */
  longest: number;
  /** How often to ask a quiet server for a sign of life. */
  ping: number;
  /** After how long without one a connection counts as dead. */
  silence: number;
}

export const PACE: Pace = { first: 500, longest: 30_000, ping: 10_000, silence: 15_000 };

const TRY_AGAIN_LATER = 1013;
const TRIES_AHEAD = 3;

/**
 * Full jitter: anything from nothing to the doubled wait. A thousand phones that lost the same server at the same moment
 * come back evenly spread, which waits with a fixed part don't do.
 */
export function wait(pace: Pace, tries: number, closedWith?: number, random: () => number = Math.random): number {
  // A server that has too much to do is left alone for longer from the first try on.
  const counted = closedWith === TRY_AGAIN_LATER ? tries + TRIES_AHEAD : tries;
  return random() * Math.min(pace.longest, pace.first * 2 ** counted);
}

/** Waits, one at a time, until the time is over or somebody calls. */
export class Sleeper {
  private end: (() => void) | undefined;

  sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.wake(), milliseconds);
      this.end = () => {
        clearTimeout(timer);
        this.end = undefined;
        resolve();
      };
    });
  }

  wake(): void {
    this.end?.();
  }
}
