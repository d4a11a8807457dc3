const ATTEMPT_MS = 3_000;
const PAUSE_MS = 60;

/** Refusals that say "not now"; all others are answers. */
const RETRYABLE = ['SERVICE_UNAVAILABLE', 'RATE_LIMITED'];

export class RefusedError extends Error {
  override readonly name = 'RefusedError';

  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

interface Answer<Data> {
  readonly data?: Data | null;
  readonly errors?: readonly {
    readonly message: string;
    readonly extensions?: { readonly code?: string; readonly retryAfterMs?: number };
  }[];
}

/** How often what had to be tried again, and why. */
export type Retries = Map<string, number>;

/**
 * Asks over HTTP until there is an answer. Only for what may be asked twice: queries, and mutations that are idempotent.
 * @throws RefusedError for an answer that says no; Error when none came in time
 */
export async function ask<Data>(
  address: () => string,
  token: string,
  query: string,
  variables: unknown,
  {
    retries = new Map<string, number>(),
    patience = 60_000,
  }: { retries?: Retries; patience?: number } = {},
): Promise<Data> {
  const end = Date.now() + patience;
  for (;;) {
    let pause = PAUSE_MS * (0.5 + Math.random());
    let problem: string;
    try {
      const { data, errors } = await attempt<Data>(address(), token, query, variables);
      if (errors === undefined && data) return data;
      const [{ message, extensions } = { message: 'no data', extensions: undefined }] =
        errors ?? [];
      problem = extensions?.code ?? 'NO_CODE';
      if (!RETRYABLE.includes(problem)) throw new RefusedError(problem, message);
      pause = Math.max(pause, extensions?.retryAfterMs ?? 0);
    } catch (error) {
      if (error instanceof RefusedError) throw error;
      problem = nameOf(error);
    }
    retries.set(problem, (retries.get(problem) ?? 0) + 1);
    if (Date.now() > end) throw new Error(`No answer within ${patience} ms, at last ${problem}`);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

async function attempt<Data>(
  address: string,
  token: string,
  query: string,
  variables: unknown,
): Promise<Answer<Data>> {
  const response = await fetch(address, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables }),
    signal: AbortSignal.timeout(ATTEMPT_MS),
  });
  const text = await response.text();
  const answer = text.startsWith('{') ? (JSON.parse(text) as Answer<Data>) : {};
  // No answer of GraphQL: of a node that stops, or of a proxy before it.
  if (answer.data === undefined && answer.errors === undefined)
    throw new Error(`HTTP ${response.status}`);
  return answer;
}

function nameOf(error: unknown): string {
  const { message, name, cause } = error as Error & { cause?: { code?: string } };
  return cause?.code ?? (name === 'TimeoutError' ? name : message);
}
