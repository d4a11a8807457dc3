import { defineConfig } from 'prisma/config';

// `prisma generate` insists on a schema engine that it never runs, and downloads it unless some file is named.
process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= process.execPath;

export default defineConfig({ schema: 'prisma/schema.prisma' });
