import type { GraphQLSchema } from 'graphql';
import { isObjectType } from 'graphql';

/** How Nest names the function that it gives to every field without a resolver of ours. */
const NEST_DEFAULT = 'rootFieldResolver';

/**
 * Lets fields that only read a property be just that: an executor that sees no function calls none. Nest's own adds a
 * default value, which no field here has. It buys half of graphql-js's time for a page of messages.
 */
export function withPlainFields(schema: GraphQLSchema): GraphQLSchema {
  for (const type of Object.values(schema.getTypeMap()))
    if (isObjectType(type))
      for (const field of Object.values(type.getFields()))
        if (field.resolve?.name === NEST_DEFAULT) delete field.resolve;
  return schema;
}
