/* A small kernel in C: prints the sum of the squares below ten, and whether a Multiboot loader started it. */
typedef unsigned int u32;

static inline void out_byte(unsigned short port, unsigned char value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

void print(const char *text)
{
    while (*text)
        out_byte(0xE9, *text++);
}

u32 square(u32 number)
{
    u32 result = number * number;
    return result;
}

void kernel(u32 magic)
{
    u32 sum = 0;
    for (u32 number = 0; number < 10; number++)
        sum += square(number);
    print("sum ");
    out_byte(0xE9, '0' + sum / 100);
    out_byte(0xE9, '0' + sum / 10 % 10);
    out_byte(0xE9, '0' + sum % 10);
    print(magic == 0x2BADB002 ? ", multiboot\n" : "\n");
}
