// Models as ONNX, just enough of its protocol buffers to write them: github.com/onnx/onnx, onnx.proto.
'use strict';

const varint = (n) => {
  const bytes = [];
  for (n = BigInt.asUintN(64, BigInt(n)); n >= 128n; n >>= 7n) bytes.push(Number(n & 127n) | 128);
  return Buffer.from([...bytes, Number(n)]);
};
const number = (field, n) => Buffer.concat([varint(field << 3), varint(n)]);
const bytes = (field, data) => {
  const body = Buffer.from(data);
  return Buffer.concat([varint(field << 3 | 2), varint(body.length), body]);
};
const real = (field, x) => {
  const body = Buffer.alloc(4);
  body.writeFloatLE(x);
  return Buffer.concat([varint(field << 3 | 5), body]);
};
const all = (parts) => Buffer.concat(parts);

const FLOAT = 1, INT64 = 7;

/// A number, a list of whole numbers, or a text.
function attribute(name, value) {
  if (typeof value === 'string') return all([bytes(1, name), bytes(4, value), number(20, 3)]);
  if (Array.isArray(value)) return all([bytes(1, name), ...value.map((n) => number(8, n)), number(20, 7)]);
  if (Number.isInteger(value)) return all([bytes(1, name), number(3, value), number(20, 2)]);
  return all([bytes(1, name), real(2, value), number(20, 1)]);
}

function tensor(name, shape, type, data) {
  return all([...shape.map((n) => number(1, n)), number(2, type), bytes(8, name),
              bytes(9, Buffer.from(data.buffer, data.byteOffset, data.byteLength))]);
}

function value(name, shape) {
  const dimensions = all(shape.map((n) => bytes(1, number(1, n))));
  return all([bytes(1, name), bytes(2, bytes(1, all([number(1, FLOAT), bytes(2, dimensions)])))]);
}

/// A model with the one input `x`, while it is put together.
class Model {
  constructor(shape) {
    this.shape = shape;
    this.nodes = [];
    this.constants = [];
  }
  fresh() { return `t${this.nodes.length}_${this.constants.length}`; }
  floats(data, ...shape) { return this.constant(tensor, shape, FLOAT, Float32Array.from(data)); }
  whole(...numbers) {
    return this.constant(tensor, [numbers.length], INT64, BigInt64Array.from(numbers.map(BigInt)));
  }
  constant(make, shape, type, data) {
    const name = this.fresh();
    this.constants.push(make(name, shape, type, data));
    return name;
  }
  /// The name of what the operator gives, or the names of `count` things.
  op(type, inputs, attributes = {}, count = 1) {
    const base = this.fresh(), outputs = Array.from({length: count}, (_, i) => `${base}_${i}`);
    this.nodes.push(all([...inputs.map((n) => bytes(1, n)), ...outputs.map((n) => bytes(2, n)), bytes(4, type),
                         ...Object.entries(attributes).map(([k, v]) => bytes(5, attribute(k, v)))]));
    return count === 1 ? outputs[0] : outputs;
  }
  /// The file, with the result under the name `y`.
  finish(result, shape) {
    this.nodes.push(all([bytes(1, result), bytes(2, 'y'), bytes(4, 'Identity')]));
    const graph = all([...this.nodes.map((n) => bytes(1, n)), bytes(2, 'g'), ...this.constants.map((c) => bytes(5, c)),
                       bytes(11, value('x', this.shape)), bytes(12, value('y', shape))]);
    return all([number(1, 9), bytes(7, graph), bytes(8, number(2, 20))]);
  }
}

module.exports = {Model};
