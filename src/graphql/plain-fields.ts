import type { GraphQLFieldResolver, GraphQLSchema } from 'graphql';
import { isIntrospectionType, isObjectType } from 'graphql';

type Resolver = GraphQLFieldResolver<unknown, unknown>;

/** How Nest names the function that it gives to every field without a resolver of ours. */
const NEST_DEFAULT = 'rootFieldResolver';

/**
 * Lets fields that only read a property be just that: an executor that sees no function calls none. Nest's own adds a
 * default value, which no field here has. It buys half of graphql-js's time for a page of messages.
 */
export function withPlainFields(schema: GraphQLSchema): GraphQLSchema {
  for (const type of Object.values(schema.getTypeMap()))
    // What introspection tells is made by graphql-js's own functions: a default value is not told as it is kept.
    if (isObjectType(type) && !isIntrospectionType(type))
      for (const field of Object.values(type.getFields()))
        if (field.resolve?.name === NEST_DEFAULT) delete field.resolve;
        else if (field.resolve !== undefined && field.args.length === 0)
          field.resolve = unlessKnown(field.name, field.resolve);
  return schema;
}

/** A row that was read together with what the field would look up has it as a property of that name. */
const unlessKnown =
  (name: string, resolve: Resolver): Resolver =>
  (source, args, context, info) => {
    const known = (source as Readonly<Record<string, unknown>> | undefined)?.[name];
    return known === undefined ? resolve(source, args, context, info) : known;
  };
