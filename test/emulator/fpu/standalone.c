void compute(unsigned char *to);

/* Placed first by its section. */
__attribute__((section(".text.unlikely.start"), naked)) void _start(void) {
  __asm__("fninit\n\tmov $0x60000, %edi\n\tcall compute\n\thlt");
}
