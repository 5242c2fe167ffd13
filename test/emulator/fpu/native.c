#include <stdio.h>

enum { bytes = 4096 };
void compute(unsigned char *to);

int main(void) {
  static unsigned char results[bytes];
  compute(results);
  for (int n = 0; n < bytes; n++) printf("%02x", results[n]);
  return 0;
}
