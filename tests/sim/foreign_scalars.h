// The examples that compute each number by itself, from its index and two inputs.
#pragma once

namespace tenon::tests {

float integers(int i, float a, float b);
float integers64(int i, float a, float b);
float narrow(int i, float a, float b);
float convert(int i, float a, float b);
float doubles(int i, float a, float b);
int steps(int x, int depth);
float switches(int i, float x, float y);

}  // namespace tenon::tests
