import { describe, expect, it } from '@jest/globals';
import { ConfigError, loadConfig } from './config.js';

const faultsOf = (environment: Record<string, string>): readonly string[] => {
  try {
    loadConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
};

describe('the configuration', () => {
  it('needs nothing outside production, and then shows itself to this machine alone', () => {
    const config = loadConfig({});
    expect(config).toMatchObject({
      PORT: 3000,
      HOST: '127.0.0.1',
      DEMO: true,
      PLAYGROUND: true,
      INTROSPECTION: true,
    });
    expect(config.DATABASE_URL).toBeUndefined();
  });

  it('names every fault at once, with the variable and what is expected', () => {
    const faults = faultsOf({
      PORT: '70000',
      DATABASE_URL: 'mysql://x',
      JWT_SECRET: 'too short',
      LOG_LEVEL: 'loud',
      DEMO: 'maybe',
      ALLOWED_ORIGINS: 'app.example',
    });
    for (const name of [
      'PORT',
      'DATABASE_URL',
      'JWT_SECRET',
      'LOG_LEVEL',
      'DEMO',
      'ALLOWED_ORIGINS',
    ])
      expect(faults.filter((fault) => fault.includes(name))).toHaveLength(1);
  });

  it.each([
    ['JWT_SECRET', 'hunter2'],
    ['DATABASE_URL', 'mysql://parley:hunter2@db.example/parley'],
    ['DATABASE_REPLICA_URL', 'mysql://parley:hunter2@db.example/parley'],
  ])('never repeats the secret of %s in a fault', (name, value) => {
    const faults = faultsOf({ [name]: value });
    expect(faults).toHaveLength(1);
    expect(faults.join()).toContain(name);
    expect(faults.join()).not.toContain('hunter2');
  });

  it('refuses production without a database and a token key, and says both', () => {
    const faults = faultsOf({ NODE_ENV: 'production' });
    expect(faults).toHaveLength(2);
    expect(faults.join()).toMatch(/DATABASE_URL[^]*JWT_SECRET/);
  });

  it('keeps demo, playground and introspection out of production unless asked for', () => {
    const production = {
      NODE_ENV: 'production',
      DATABASE_URL: 'postgresql://parley@db.example/parley',
      JWT_SECRET: 'x'.repeat(32),
    };
    expect(loadConfig(production)).toMatchObject({
      DEMO: false,
      PLAYGROUND: false,
      INTROSPECTION: false,
      HOST: '0.0.0.0',
    });
    expect(loadConfig({ ...production, PLAYGROUND: 'true' }).PLAYGROUND).toBe(true);
  });

  it('takes one kind of token key only', () => {
    const faults = faultsOf({ JWT_SECRET: 'x'.repeat(32), JWKS_URL: 'https://keys.example/jwks' });
    expect(faults.join()).toContain('exclude each other');
  });
});
