import { GraphQLSchemaHost } from '@nestjs/graphql';
import { printSchema } from 'graphql';
import { createApp } from '../app.module.js';
import { loadConfig } from '../config.js';

/** The schema as the app itself declares it. Nothing connects: the database is only reached when it is asked. */
export async function printSchemaOf(): Promise<string> {
  const app = await createApp(
    loadConfig({
      NODE_ENV: 'test',
      LOG_LEVEL: 'error',
      DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/none',
      JWT_SECRET: 'only to print the schema, no token is ever checked',
    }),
  );
  try {
    await app.init();
    return printSchema(app.get(GraphQLSchemaHost).schema);
  } finally {
    await app.close();
  }
}
