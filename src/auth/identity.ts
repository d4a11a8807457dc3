import { AppError } from '../errors.js';
import type { TokenVerifier } from './token-verifier.js';
import type { Viewer } from './viewer.js';

/** Who an operation runs for, or why for nobody. */
export interface Identity {
  readonly viewer: Viewer | null;
  readonly refusal?: AppError;
}

/**
 * Never throws for a missing or bad token: the guard refuses, where the operation asks for somebody.
 * @param remember as of TokenVerifier.verify()
 */
export async function identify(
  verifier: TokenVerifier,
  authorization: unknown,
  remember = true,
): Promise<Identity> {
  try {
    return { viewer: await verifier.verify(authorization, remember) };
  } catch (error) {
    if (error instanceof AppError) return { viewer: null, refusal: error };
    throw error;
  }
}
