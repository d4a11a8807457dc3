/** Who is calling, as the token says and nothing else. */
export interface Viewer {
  /** The token's `sub`: the marketplace's own user id. */
  readonly userId: string;
  /** The platform's backend: acts on all threads, has no journal and no unread counts of its own. */
  readonly isService: boolean;
  /** Sees and moderates every thread. */
  readonly isAdmin: boolean;
  readonly displayName: string | null;
  readonly avatarUrl: string | null;
  /** Unix time in ms at which the token was made; null where it does not say (`iat`). */
  readonly issuedAt: number | null;
  /** Unix time in ms at which the token, and with it the socket, ends. */
  readonly expiresAt: number;
}

/** Whether the viewer sees threads that they are not in. */
export const isModerator = (viewer: Viewer): boolean => viewer.isService || viewer.isAdmin;
