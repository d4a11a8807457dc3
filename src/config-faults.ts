import type { ValidationError } from 'class-validator';

/**
 * The checks of numbers, switches and choices, whose values a fault repeats. Everything else may hold a secret: an address its
 * password, a public key the private one by mistake.
 */
const REPEATED = ['wholeNumber', 'isBoolean', 'isIn'];

/** Everything that is wrong with the environment, one line per variable. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  /** @param isProduction what NODE_ENV says, for whoever logs this */
  constructor(
    readonly faults: readonly string[],
    readonly isProduction: boolean,
  ) {
    super(`The configuration is not usable:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
  }
}

/** @param given the variables as the operator wrote them */
export const describeFaults = (
  errors: readonly ValidationError[],
  given: Readonly<Record<string, unknown>>,
): string[] =>
  errors.flatMap(({ property, constraints = {} }) =>
    Object.entries(constraints).map(([check, fault]) =>
      REPEATED.includes(check) ? `${fault}, got ${JSON.stringify(given[property])}` : fault,
    ),
  );
