/*
 * Numerical work as a compiler makes it: the same bytes must come out wherever it runs. Compiled once, and linked with what
 * prints the results natively and with what leaves them in memory on a processor of the project.
 */
typedef unsigned char byte;

enum { size = 12 };

static byte *out;

static void put(const void *value, unsigned bytes) {
  const byte *from = value;
  for (unsigned n = 0; n < bytes; n++) *out++ = from[n];
}

static void put_double(double value) { put(&value, sizeof value); }
static void put_float(float value) { put(&value, sizeof value); }
static void put_long_double(long double value) { put(&value, 10); }
static void put_long(long value) { put(&value, sizeof value); }

/* A generator of numbers that needs no library. */
static unsigned long state = 88172645463325252ul;
static unsigned long next(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}
static double fraction(void) { return (double)(long)(next() >> 12) / 4503599627370496.0; }

static double a[size][size], b[size][size], product[size][size];

static void multiply(void) {
  for (int i = 0; i < size; i++)
    for (int j = 0; j < size; j++) {
      a[i][j] = fraction() * 200 - 100;
      b[i][j] = fraction() / 3;
    }
  for (int i = 0; i < size; i++)
    for (int j = 0; j < size; j++) {
      double sum = 0;
      for (int k = 0; k < size; k++) sum += a[i][k] * b[k][j];
      product[i][j] = sum;
      put_double(sum);
    }
}

/* Arithmetic of 64 bits of precision. */
static void extended(void) {
  long double sum = 0;
  for (int n = 1; n < 60; n++) {
    long double root = __builtin_sqrtl((long double)n);
    sum += 1 / root - (long double)fraction();
    put_long_double(root);
  }
  put_long_double(sum);
  put_double((double)sum);
  put_float((float)sum);
  put_long((long)(sum * 1e15L));
}

static void singles(void) {
  float values[64];
  float largest = 0;
  for (int n = 0; n < 64; n++) {
    values[n] = (float)fraction() * (n % 3 == 0 ? -1.5f : 2.25f);
    if (values[n] > largest) largest = values[n];
  }
  for (int n = 1; n < 64; n++) {
    values[n] = values[n] * values[n - 1] + __builtin_sqrtf(largest) / (float)n;
    put_float(values[n]);
    put_long((long)(values[n] * 1000.0f));
  }
  put_float(largest);
}

/* e^x by its series, and back by Newton's method. */
static double exponential(double x) {
  double term = 1, sum = 1;
  for (int n = 1; n < 40; n++) {
    term *= x / n;
    sum += term;
  }
  return sum;
}

static void series(void) {
  for (int n = 0; n < 20; n++) {
    double x = fraction() * 4 - 2;
    double y = exponential(x);
    double guess = 0;
    for (int step = 0; step < 20; step++) guess -= 1 - y / exponential(guess);
    put_double(y);
    put_double(guess);
    put_long(guess < x);
  }
}

/* Integers of every width to floating point and back, and the edges of the formats. */
static void conversions(void) {
  volatile double zero = 0, huge = 1e308, tiny = 2.2250738585072014e-308;
  put_double(huge * 10);
  put_double(tiny / 3);
  put_double(-1 / zero);
  put_float((float)tiny);
  for (int n = 0; n < 16; n++) {
    long value = (long)next() >> (4 * n);
    put_double((double)value);
    put_float((float)value);
    put_double((double)(unsigned long)value);
    put_long((long)((double)value / 3));
    put_long((int)(float)(value >> 33));
  }
}

void compute(byte *to) {
  out = to;
  multiply();
  extended();
  singles();
  series();
  conversions();
}
