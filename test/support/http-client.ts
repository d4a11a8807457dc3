/** An error as a client sees it. */
export interface ClientError {
  readonly message: string;
  readonly extensions: { readonly code: string } & Record<string, unknown>;
}

export interface Answer {
  readonly status: number;
  // A test knows what it asked for.
  readonly data: any;
  readonly errors: readonly ClientError[] | undefined;
  readonly text: string;
}

/** GraphQL over HTTP, as one caller. */
export class HttpClient {
  constructor(
    private readonly endpoint: string,
    private readonly token: () => Promise<string> | string | null,
  ) {}

  /** Sends an operation and gives whatever comes back. */
  async send(query: unknown, variables?: unknown, operationName?: string): Promise<Answer> {
    const token = await this.token();
    const response = await fetch(this.endpoint, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({ query, variables, operationName }),
    });
    const text = await response.text();
    const { data, errors } = JSON.parse(text) as Pick<Answer, 'data' | 'errors'>;
    return { status: response.status, data, errors, text };
  }

  /** The data of an operation that must succeed. */
  async run(query: string, variables?: unknown): Promise<any> {
    const { data, errors, text } = await this.send(query, variables);
    if (errors !== undefined) throw new Error(`Expected data, got ${text}`);
    return data;
  }

  /** The code of an operation that must be refused. */
  async refusal(query: string, variables?: unknown): Promise<string> {
    const { errors, text } = await this.send(query, variables);
    const code = errors?.[0]?.extensions.code;
    if (code === undefined) throw new Error(`Expected a refusal, got ${text}`);
    return code;
  }
}
