import type {
  DocumentNode,
  FieldNode,
  FragmentDefinitionNode,
  FragmentSpreadNode,
  GraphQLField,
  GraphQLNamedType,
  GraphQLSchema,
  InlineFragmentNode,
  OperationDefinitionNode,
  SelectionNode,
  SelectionSetNode,
} from 'graphql';
import {
  getNamedType,
  getNullableType,
  GraphQLError,
  isInterfaceType,
  isListType,
  isObjectType,
  Kind,
} from 'graphql';
import { ErrorCode } from '../errors.js';
import { fragmentsOf } from './fragments.js';

/**
 * What one operation may ask for. Depth counts fields on a path; cost counts the fields of all objects it could return.
 * Selections are all that stands in braces, fragments as often as they are spread: so many steps takes whoever walks it.
 */
export const LIMITS = {
  tokens: 2_000,
  selections: 2_000,
  depth: 12,
  aliases: 30,
  fields: 500,
  cost: 10_000,
} as const;

/** Used for `first` or `last` where a connection is not told, and for lists that are not paged. */
const DEFAULT_PAGE = 50;
const PLAIN_LIST = 3;
const LARGEST_PAGE = 500;

/** For parse(): the length of a document, refused before anything walks it. */
export const PARSE_OPTIONS = { maxTokens: LIMITS.tokens } as const;

interface Measure {
  selections: number;
  depth: number;
  aliases: number;
  fields: number;
  cost: number;
}

/**
 * Refuses an operation that asks for too much; both transports call it between validation and execution.
 * @throws GraphQLError QUERY_TOO_COMPLEX that names the limit
 */
export function requireAffordable(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): void {
  const scale = new OperationScale(schema, document, variables);
  scale.weigh(operation.selectionSet, schema.getRootType(operation.operation) ?? undefined, 0, 1);
}

/**
 * Adds up what an operation asks for, and stops at the first limit: a bomb of fragments is never walked to its end, whatever
 * is in them, neither here nor by anything that comes later.
 */
class OperationScale {
  readonly #fragments;
  readonly #total: Measure = { selections: 0, depth: 0, aliases: 0, fields: 0, cost: 0 };

  constructor(
    private readonly schema: GraphQLSchema,
    document: DocumentNode,
    private readonly variables: Readonly<Record<string, unknown>>,
  ) {
    this.#fragments = fragmentsOf(document);
  }

  /** @param times how many objects of this type there may be */
  weigh(
    { selections }: SelectionSetNode,
    parent: GraphQLNamedType | undefined,
    depth: number,
    times: number,
  ): void {
    for (const selection of selections) {
      this.#countSelection(selection);
      if (selection.kind === Kind.FIELD) {
        // Introspection answers from memory, and the GraphiQL that asks for it nests deeply.
        if (selection.name.value.startsWith('__')) this.#countInside(selection.selectionSet);
        else this.#weighField(selection, parent, depth + 1, times);
        continue;
      }
      const fragment = this.#fragmentOf(selection);
      const type =
        fragment?.typeCondition && this.schema.getType(fragment.typeCondition.name.value);
      if (fragment !== undefined) this.weigh(fragment.selectionSet, type ?? parent, depth, times);
    }
  }

  #countSelection(selection: SelectionNode): void {
    this.#total.selections += 1;
    if (this.#total.selections > LIMITS.selections) throw tooComplex('selections', selection);
  }

  #countInside(set: SelectionSetNode | undefined): void {
    for (const selection of set?.selections ?? []) {
      this.#countSelection(selection);
      this.#countInside(
        selection.kind === Kind.FIELD
          ? selection.selectionSet
          : this.#fragmentOf(selection)?.selectionSet,
      );
    }
  }

  #fragmentOf(
    selection: InlineFragmentNode | FragmentSpreadNode,
  ): InlineFragmentNode | FragmentDefinitionNode | undefined {
    return selection.kind === Kind.INLINE_FRAGMENT
      ? selection
      : this.#fragments.get(selection.name.value);
  }

  #weighField(
    field: FieldNode,
    parent: GraphQLNamedType | undefined,
    depth: number,
    times: number,
  ): void {
    const total = this.#total;
    total.depth = Math.max(total.depth, depth);
    total.fields += 1;
    total.aliases += field.alias === undefined ? 0 : 1;
    total.cost += times;
    for (const name of ['depth', 'aliases', 'fields', 'cost'] as const)
      if (total[name] > LIMITS[name]) throw tooComplex(name, field);
    if (field.selectionSet === undefined) return;
    const definition =
      isObjectType(parent) || isInterfaceType(parent)
        ? parent.getFields()[field.name.value]
        : undefined;
    this.weigh(
      field.selectionSet,
      definition && getNamedType(definition.type),
      depth,
      times * this.#sizeOf(field, definition, parent),
    );
  }

  /** How many objects a field may give. */
  #sizeOf(
    field: FieldNode,
    definition: GraphQLField<unknown, unknown> | undefined,
    parent: GraphQLNamedType | undefined,
  ): number {
    if (definition === undefined) return 1;
    if (definition.args.some(({ name }) => name === 'first'))
      return Math.max(1, pageSize(field, this.variables));
    // A page is counted where it is asked for; its own edges, nodes and events are not counted a second time.
    const isPage = parent?.name.endsWith('Connection') === true || parent?.name === 'InboxSync';
    return isListType(getNullableType(definition.type)) && !isPage ? PLAIN_LIST : 1;
  }
}

function pageSize(field: FieldNode, variables: Readonly<Record<string, unknown>>): number {
  for (const { name, value } of field.arguments ?? []) {
    if (name.value !== 'first' && name.value !== 'last') continue;
    const size =
      value.kind === Kind.VARIABLE
        ? variables[value.name.value]
        : value.kind === Kind.INT
          ? Number(value.value)
          : null;
    // What is beyond the largest page is refused by name, by the argument's own check.
    if (typeof size === 'number' && Number.isFinite(size)) return Math.min(size, LARGEST_PAGE);
  }
  return DEFAULT_PAGE;
}

const tooComplex = (limit: keyof Measure, node: SelectionNode): GraphQLError =>
  new GraphQLError(
    `The operation asks for too much: its ${limit} may be at most ${LIMITS[limit]}.`,
    {
      nodes: [node],
      extensions: { code: ErrorCode.QUERY_TOO_COMPLEX, limit: { [limit]: LIMITS[limit] } },
    },
  );
