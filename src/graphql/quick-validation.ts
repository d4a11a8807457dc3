import type { Type } from '@nestjs/common';
import { plainToInstance } from 'class-transformer';
import { getMetadataStorage, ValidationTypes } from 'class-validator';

type Properties = Readonly<Record<string, unknown>>;
type Check = (object: Properties) => boolean;
type Rule = ReturnType<
  ReturnType<typeof getMetadataStorage>['getTargetValidationMetadatas']
>[number];

const checks = new WeakMap<object, Check>();

/**
 * Whether a value certainly is a valid input of a class, by that class's own decorators: class-validator gathers and sorts
 * them again for each object, and makes room for errors that hardly any has. Anything else than a plain yes, be it a no
 * or a decorator that is not known here, is for class-validator to judge and to put into words.
 */
export function isCertainlyValid(type: Type, value: unknown): boolean {
  return isPlainObject(value) && checkOf(type)(value);
}

function isPlainObject(value: unknown): value is Properties {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function checkOf(type: Type): Check {
  let check = checks.get(type);
  if (check === undefined) {
    check = makeCheck(type);
    checks.set(type, check);
  }
  return check;
}

function makeCheck(type: Type): Check {
  const storage = getMetadataStorage();
  const rules = storage.groupByPropertyName(
    storage.getTargetValidationMetadatas(type, '', false, false),
  );
  const known = new Set(Object.keys(rules));
  const properties = Object.entries(rules).map(([name, own]) => propertyCheck(type, name, own));
  return (object) => {
    for (const name in object) if (!known.has(name)) return false;
    return known.size > 0 && properties.every((check) => check(object));
  };
}

function propertyCheck(type: Type, name: string, rules: readonly Rule[]): Check {
  const of = (kind: string): Rule[] => rules.filter((rule) => rule.type === kind);
  const conditions = of(ValidationTypes.CONDITIONAL_VALIDATION);
  const values = of(ValidationTypes.CUSTOM_VALIDATION).map(valueCheck);
  const nested = of(ValidationTypes.NESTED_VALIDATION).map(() => nestedCheck(type, name));
  if (conditions.length + values.length + nested.length < rules.length) return () => false;
  const all = [...values, ...nested];
  return (object) => {
    const value = object[name];
    const applies = conditions.every(({ constraints }) =>
      (constraints[0] as (object: unknown, value: unknown) => boolean)(object, value),
    );
    return !applies || all.every((check) => check(object, value));
  };
}

type ValueCheck = (object: Properties, value: unknown) => boolean;

function valueCheck(rule: Rule): ValueCheck {
  const { constraintCls, constraints, propertyName: property, each, validateIf } = rule;
  const [constraint, ...more] = getMetadataStorage().getTargetValidatorConstraints(constraintCls);
  if (constraint === undefined || more.length > 0 || validateIf !== undefined) return () => false;
  const { instance } = constraint;
  const { name: targetName } =
    typeof rule.target === 'string' ? { name: rule.target } : rule.target;
  return (object, value) => {
    const details = { targetName, property, object, value, constraints };
    return each && Array.isArray(value)
      ? value.every((item) => instance.validate(item, details) === true)
      : instance.validate(value, details) === true;
  };
}

/** What is nested is of the class that class-transformer makes of it. */
function nestedCheck(type: Type, name: string): ValueCheck {
  const sample = plainToInstance(type, { [name]: {} }) as Properties;
  const { constructor: inner } = sample[name] as { constructor: Type };
  if (inner === Object) return () => false;
  return (_object, value) =>
    value === undefined ||
    (Array.isArray(value)
      ? value.every((item) => isCertainlyValid(inner, item))
      : isCertainlyValid(inner, value));
}
