// What values are by their shape; and that hostile ones are texts.

import assert from "node:assert/strict";
import { test } from "node:test";
import { brief, shapeOf } from "../src/engine/shapes";
import { unpacked } from "../src/engine/texts";

const said = (item: unknown) => shapeOf(item)?.said;

test("arrays of numbers are told by how many, how far and around what", () => {
  assert.equal(said(Array.from({ length: 1000 }, (_, i) => 0.1 + i * 0.0096)), "1,000 floats, 0.1 … 9.69, mean 4.895");
  assert.equal(said([1, 2, 3, 4]), "4 numbers, 1 … 4, mean 2.5");
  assert.equal(said([2, 2, 2, 2, { $: "nan" }]), "5 numbers, all 2, 1 not finite");
  assert.equal(said([1, 2, { $: "9007199254740993" }, 4, "[+96 items]"]), "100 numbers, 1 … 9007000000000000, mean 2252000000000000, as far as the first 4 tell");
  assert.equal(said([[0.5, 1], [2, 3]]), "2 × 2 floats, 0.5 … 3, mean 1.625");
  for (const plainly of [[1, 2, 3], ["a", "b", "c", "d"], [1, "2", 3, 4], [], [[1], [1, 2], [1], [2]]]) assert.equal(said(plainly), undefined);
  assert.equal(brief([1, 2, 3, 4], 60), "4 numbers, 1 … 4, mean 2.5");
});

test("texts that are JSON are told apart from those that only begin so", () => {
  assert.deepEqual(shapeOf('{"a": [1, 2]}'), { said: "JSON, 1 key", text: '{\n  "a": [\n    1,\n    2\n  ]\n}' });
  assert.equal(said('["a", "b"]'), "JSON, 2 items");
  for (const text of ["{a}", "[", "{}", "[]", "{".repeat(50_000), "[".repeat(50_000)]) assert.equal(said(text), undefined);
  const deep = `${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}`;
  assert.doesNotThrow(() => shapeOf(deep));
});

test("of an array that the recording has cut, the items that are whole are read", () => {
  assert.deepEqual(unpacked('[{"a": "]"}, {"b": "\\"}"}, {"c": … [+1,000 characters]'), [{ a: "]" }, { b: '"}' }]);
  assert.deepEqual(unpacked("[1, 2… [+9 characters]"), []);
  assert.equal(unpacked('{"a": 1… [+9 characters]'), undefined);
  assert.equal(unpacked('[{"a": 1}, oops'), undefined);
});

test("tables and arrays as libraries print them have a shape", () => {
  assert.equal(said("   a  b\n0  1  2\n1  3  4"), "table, 2 rows × 2 columns");
  assert.equal(said("     a\n0    1\n..  ..\n999  9\n\n[1000 rows x 1 columns]"), "table, 1,000 rows × 1 column");
  assert.equal(said("shape: (1_000, 2)\n┌──┐\n└──┘"), "table, 1,000 rows × 2 columns");
  assert.equal(said("0    1\n1    2\nName: x, Length: 1000, dtype: int64"), "Series, 1,000 values, int64");
  assert.equal(said("array([[1, 2, 3],\n       [4, 5, 6]], dtype=int32)"), "array, 2 × 3, int32");
  assert.equal(said("[[1. 2.]\n [3. 4.]\n [5. 6.]]"), "array, 3 × 2");
  assert.equal(said("tensor([[[1., 2.]]])"), "tensor, 1 × 1 × 2");
  assert.equal(said("array([[0., 0., ..., 0.],\n ...], shape=(1000, 3))"), "array, 1,000 × 3");
  for (const text of ["a  b\n0  1", "two\nlines", "0 is\n1 not", " heading\n0 x\n2 y", "[not an array", "array("]) assert.equal(said(text), undefined);
});

test("pictures are shown if their header tells how large they are, and only of four kinds", () => {
  const png = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAIAAAADCAIAAAA2iEnWAAAAEUlEQVR4nGP4z8DA8B+MEBQAQdMF+08zgXEAAAAASUVORK5CYII=";
  assert.equal(said(png), "PNG picture, 2 × 3, 74 B");
  assert.equal(shapeOf(png)?.image, png);
  const gif = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";
  assert.deepEqual([said(gif), shapeOf(gif)?.image], ["GIF picture, 1 × 1, 42 B", gif]);
  const jpeg = `data:image/jpeg;base64,${Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 4, 0, 0, 0xff, 0xc0, 0, 11, 8, 0, 9, 0, 16, 1, 1, 1, 1, 0, 0, 0]).toString("base64")}`;
  assert.equal(said(jpeg), "JPEG picture, 16 × 9, 24 B");
  const webp = `data:image/webp;base64,${Buffer.from("RIFF0000WEBPVP8X\n\0\0\0\0\0\0\0\x0f\0\0\x08\0\0", "latin1").toString("base64")}`;
  assert.equal(said(webp), "WEBP picture, 16 × 9, 30 B");
  const vast = Buffer.from(png.slice(22), "base64");
  vast.writeUInt32BE(50_000, 16);
  vast.writeUInt32BE(50_000, 20);
  for (const not of [
    "data:image/svg+xml;base64,PHN2Zy8+", "data:image/png;base64,AAAA", "data:text/html;base64,PGI+", "data:image/png;base64,<script>",
    `${png.slice(0, -8)}… [+70,000 characters]`, `data:image/png;base64,${vast.toString("base64")}`, "data:image/png,plain", "data:;base64,",
  ]) assert.equal(shapeOf(not)?.image, undefined, not);
  assert.equal(said("data:text/html;base64,PGI+"), "text/html, 3 B");
  assert.equal(said("data: not one"), undefined);
});

test("long digits are told by how many bytes they are", () => {
  assert.equal(said("0f".repeat(32)), "64 hex digits, 32 B");
  assert.equal(said("aB3/".repeat(40)), "base64, 120 B");
  for (const text of ["0f", "deadbeef", "g".repeat(100), "word ".repeat(40)]) assert.equal(said(text), undefined);
});
