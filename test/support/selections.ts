import type { GraphQLField, GraphQLObjectType, GraphQLSchema } from 'graphql';
import {
  getNamedType,
  isInterfaceType,
  isLeafType,
  isObjectType,
  isRequiredArgument,
} from 'graphql';

type Field = GraphQLField<unknown, unknown>;

/** Pages are asked for this small, so that a list within a list stays affordable. */
const PAGE = 3;

/** The fields of an object or an interface that can be asked for without an argument. */
export function fieldsOf(schema: GraphQLSchema, typeName: string): Field[] {
  const type = schema.getType(typeName);
  if (!isObjectType(type) && !isInterfaceType(type)) return [];
  return Object.values(type.getFields()).filter(({ args }) => !args.some(isRequiredArgument));
}

/** Whether a field has no fields of its own. */
export const isLeaf = (field: Field): boolean => isLeafType(getNamedType(field.type));

/**
 * A selection of every field of a type, and of the types below it down to a depth.
 * @param visited gets the name of every field (`Type.field`) that is asked for
 */
export function selectionOf(
  schema: GraphQLSchema,
  typeName: string,
  depth: number,
  visited = new Set<string>(),
): string {
  const type = schema.getType(typeName);
  const cases = isInterfaceType(type)
    ? schema
        .getPossibleTypes(type)
        .map(({ name }) => `... on ${name} ${selectionOf(schema, name, depth, visited)}`)
    : [];
  const fields = fieldsOf(schema, typeName)
    .filter((field) => isLeaf(field) || depth > 0)
    .map((field) => {
      visited.add(`${typeName}.${field.name}`);
      return fieldOf(schema, field, depth - 1, visited);
    });
  return `{ __typename ${[...fields, ...cases].join(' ')} }`;
}

/** One field with everything below it. */
export function fieldOf(
  schema: GraphQLSchema,
  field: Field,
  depth: number,
  visited = new Set<string>(),
): string {
  const page = field.args.some(({ name }) => name === 'first') ? `(first: ${PAGE})` : '';
  const { name } = getNamedType(field.type);
  return `${field.name}${page}${isLeaf(field) ? '' : ` ${selectionOf(schema, name, depth, visited)}`}`;
}

/** The object types that a query can come to, the root left out. */
export function typesBelowQuery(schema: GraphQLSchema): GraphQLObjectType[] {
  const found = new Set<GraphQLObjectType>();
  const visit = (name: string): void => {
    const type = schema.getType(name);
    if (isInterfaceType(type)) for (const each of schema.getPossibleTypes(type)) visit(each.name);
    if (!isObjectType(type) || found.has(type)) return;
    found.add(type);
    for (const field of Object.values(type.getFields())) visit(getNamedType(field.type).name);
  };
  for (const field of Object.values(schema.getQueryType()?.getFields() ?? {}))
    visit(getNamedType(field.type).name);
  return [...found];
}
