import type {
  DocumentNode,
  FieldNode,
  FragmentDefinitionNode,
  GraphQLNamedType,
  GraphQLSchema,
  OperationDefinitionNode,
  SelectionSetNode,
  ValidationRule,
} from 'graphql';
import {
  getNamedType,
  GraphQLError,
  isAbstractType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  NoSchemaIntrospectionCustomRule,
} from 'graphql';
import { ErrorCode } from '../errors.js';

/** What one operation may ask for. Depth counts fields on a path; cost counts the fields of all objects it could return. */
export const LIMITS = { tokens: 2_000, depth: 12, aliases: 30, fields: 500, cost: 10_000 } as const;

/** Used for `first` or `last` where a connection is not told, and for lists that are not paged. */
const DEFAULT_PAGE = 50;
const PLAIN_LIST = 3;

/** For parse(): the length of a document, refused before anything walks it. */
export const PARSE_OPTIONS = { maxTokens: LIMITS.tokens } as const;

/** For validate(), beside graphql-js's own rules. */
export const validationRules = (introspection: boolean): ValidationRule[] =>
  introspection ? [] : [NoSchemaIntrospectionCustomRule];

interface Measure {
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
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION)
      fragments.set(definition.name.value, definition);
  const total: Measure = { depth: 0, aliases: 0, fields: 0, cost: 0 };

  const visit = (
    selections: SelectionSetNode,
    parent: GraphQLNamedType | undefined,
    depth: number,
    times: number,
  ): void => {
    for (const selection of selections.selections) {
      if (selection.kind === Kind.FRAGMENT_SPREAD) {
        const fragment = fragments.get(selection.name.value);
        if (fragment !== undefined)
          visit(
            fragment.selectionSet,
            schema.getType(fragment.typeCondition.name.value) ?? parent,
            depth,
            times,
          );
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        const type = selection.typeCondition && schema.getType(selection.typeCondition.name.value);
        visit(selection.selectionSet, type ?? parent, depth, times);
      } else if (!selection.name.value.startsWith('__')) {
        count(selection, parent, depth + 1, times);
      }
    }
  };

  const count = (
    field: FieldNode,
    parent: GraphQLNamedType | undefined,
    depth: number,
    times: number,
  ): void => {
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
    const paged = definition?.args.some((argument) => argument.name === 'first') === true;
    const named = definition && getNamedType(definition.type);
    const type =
      definition && (isNonNullType(definition.type) ? definition.type.ofType : definition.type);
    // A connection is counted where it is asked for; its own edges and nodes are not counted a second time.
    const isList = isListType(type) && !isConnection(parent) && !isAbstractType(named);
    const factor = paged ? pageSize(field, variables) : isList ? PLAIN_LIST : 1;
    visit(field.selectionSet, named, depth, times * Math.max(1, factor));
  };

  visit(operation.selectionSet, schema.getRootType(operation.operation) ?? undefined, 0, 1);
}

const isConnection = (type: GraphQLNamedType | undefined): boolean =>
  type?.name.endsWith('Connection') === true;

function pageSize(field: FieldNode, variables: Readonly<Record<string, unknown>>): number {
  for (const { name, value } of field.arguments ?? []) {
    if (name.value !== 'first' && name.value !== 'last') continue;
    const size =
      value.kind === Kind.VARIABLE
        ? variables[value.name.value]
        : value.kind === Kind.INT
          ? Number(value.value)
          : null;
    if (typeof size === 'number' && Number.isFinite(size)) return size;
  }
  return DEFAULT_PAGE;
}

const tooComplex = (limit: keyof Measure, node: FieldNode): GraphQLError =>
  new GraphQLError(
    `The operation asks for too much: its ${limit} may be at most ${LIMITS[limit]}.`,
    {
      nodes: [node],
      extensions: { code: ErrorCode.QUERY_TOO_COMPLEX, limit: { [limit]: LIMITS[limit] } },
    },
  );
