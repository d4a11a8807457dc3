import { Transform } from 'class-transformer';

// How the text of an environment variable becomes a value; what does not fit stays text and fails its check.

export const toInt = Transform(({ value }) =>
  typeof value === 'string' ? Number(value) : (value as unknown),
);

export const toBoolean = Transform(({ value }) =>
  value === 'true' || value === '1'
    ? true
    : value === 'false' || value === '0'
      ? false
      : (value as unknown),
);

export const toList = Transform(({ value }) =>
  typeof value === 'string'
    ? value
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '')
    : (value as unknown),
);
