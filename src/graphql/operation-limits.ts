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
  valueFromASTUntyped,
} from 'graphql';
import { ErrorCode } from '../errors.js';
import { DEFAULT_SYNC } from '../inbox/inbox.service.js';
import { fragmentsOf } from './fragments.js';

/**
 * What one operation may ask for. Depth counts fields on a path; cost counts the fields of all objects it could return.
 * Selections are all that stands in braces, fragments as often as they are spread: so many steps takes whoever walks it. An
 * alias stands in the answer as often as its field does.
 */
export const LIMITS = {
  tokens: 2_000,
  selections: 2_000,
  depth: 12,
  aliases: 30,
  aliasLength: 200,
  fields: 500,
  cost: 10_000,
} as const;

/** Used for `first` or `last` where they are not told, and for lists that are not paged. */
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
  variables: Properties,
): void {
  const scale = new OperationScale(schema, document, {
    ...defaultsOf(operation),
    ...variables,
  });
  const parent = schema.getRootType(operation.operation) ?? undefined;
  scale.weigh(operation.selectionSet, { parent, depth: 0, times: 1, input: NO_INPUT });
}

const defaultsOf = ({ variableDefinitions }: OperationDefinitionNode): Properties =>
  Object.fromEntries(
    (variableDefinitions ?? []).flatMap(({ variable, defaultValue }) =>
      defaultValue === undefined
        ? []
        : [[variable.name.value, valueFromASTUntyped(defaultValue)] as const],
    ),
  );

type Properties = Readonly<Record<string, unknown>>;

const NO_INPUT: Properties = {};

/** Where a selection stands. */
interface Place {
  readonly parent: GraphQLNamedType | undefined;
  readonly depth: number;
  /** How many objects of the parent there may be. */
  readonly times: number;
  /** Of the mutation whose payload this is. */
  readonly input: Properties;
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
    private readonly variables: Properties,
  ) {
    this.#fragments = fragmentsOf(document);
  }

  weigh({ selections }: SelectionSetNode, place: Place): void {
    for (const selection of selections) {
      this.#countSelection(selection);
      if (selection.kind === Kind.FIELD) {
        // Introspection answers from memory, and the GraphiQL that asks for it nests deeply.
        if (selection.name.value.startsWith('__')) this.#countInside(selection.selectionSet);
        else this.#weighField(selection, place);
        continue;
      }
      const fragment = this.#fragmentOf(selection);
      const type =
        fragment?.typeCondition && this.schema.getType(fragment.typeCondition.name.value);
      if (fragment !== undefined)
        this.weigh(fragment.selectionSet, { ...place, parent: type ?? place.parent });
    }
  }

  #countSelection(selection: SelectionNode): void {
    this.#total.selections += 1;
    if (this.#total.selections > LIMITS.selections) throw tooComplex('selections', selection);
    if (selection.kind === Kind.FIELD && (selection.alias?.value.length ?? 0) > LIMITS.aliasLength)
      throw tooComplex('aliasLength', selection);
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

  #weighField(field: FieldNode, place: Place): void {
    const { parent, times } = place;
    const total = this.#total;
    const depth = place.depth + 1;
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
    this.weigh(field.selectionSet, {
      parent: definition && getNamedType(definition.type),
      depth,
      times: times * this.#sizeOf(field, definition, place),
      input: this.#inputOf(field),
    });
  }

  /** How many objects a field may give. */
  #sizeOf(
    field: FieldNode,
    definition: GraphQLField<unknown, unknown> | undefined,
    { parent, input }: Place,
  ): number {
    if (definition === undefined) return 1;
    if (definition.args.some(({ name }) => name === 'first'))
      return Math.max(1, this.#pageSize(field, getNamedType(definition.type).name));
    // A page is counted where it is asked for; its own edges, nodes and events are not counted a second time.
    const isPage = parent?.name.endsWith('Connection') === true || parent?.name === 'InboxSync';
    if (!isListType(getNullableType(definition.type)) || isPage) return 1;
    // A mutation answers with as many as it was given.
    const given = input[field.name.value];
    return Array.isArray(given) ? Math.max(PLAIN_LIST, given.length) : PLAIN_LIST;
  }

  #pageSize(field: FieldNode, page: string): number {
    for (const name of ['first', 'last']) {
      const size = this.#argumentOf(field, name);
      // What is beyond the largest page is refused by name, by the argument's own check.
      if (typeof size === 'number' && Number.isFinite(size)) return Math.min(size, LARGEST_PAGE);
    }
    return page === 'InboxSync' ? DEFAULT_SYNC : DEFAULT_PAGE;
  }

  #inputOf(field: FieldNode): Properties {
    const input = this.#argumentOf(field, 'input');
    return typeof input === 'object' && input !== null ? (input as Properties) : NO_INPUT;
  }

  #argumentOf(field: FieldNode, name: string): unknown {
    const argument = field.arguments?.find((candidate) => candidate.name.value === name);
    return argument && valueFromASTUntyped(argument.value, this.variables);
  }
}

const tooComplex = (limit: keyof typeof LIMITS, node: SelectionNode): GraphQLError =>
  new GraphQLError(
    `The operation asks for too much: its ${limit} may be at most ${LIMITS[limit]}.`,
    {
      nodes: [node],
      extensions: { code: ErrorCode.QUERY_TOO_COMPLEX, limit: { [limit]: LIMITS[limit] } },
    },
  );
