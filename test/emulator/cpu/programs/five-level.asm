; 5-level paging, from 32-bit code: what CPUID says, a page beyond 2^52, and code that runs there.
%pragma ringside mode protected
bits 32
org 8000h
results equ 9000h

start:
      mov esp, 80000h
      mov eax, 7
      xor ecx, ecx
      cpuid
      shr ecx, 16
      and ecx, 1
      mov [results], ecx
      mov eax, 80000008h
      cpuid
      movzx eax, ah
      mov [results + 8], eax
      mov edi, 100000h
      xor eax, eax
      mov ecx, 6000h / 4
      rep stosd
      mov dword [100000h], 101007h
      mov dword [100000h + 16 * 8], 101007h
      mov dword [101000h], 102007h
      mov dword [102000h], 103007h
      mov dword [103000h], 87h
      mov eax, 10A0h
      mov cr4, eax
      mov eax, 100000h
      mov cr3, eax
      mov ecx, 0C0000080h
      rdmsr
      or eax, 100h
      wrmsr
      lgdt [table]
      mov eax, cr0
      or eax, 80000000h
      mov cr0, eax
      jmp 8:wide

bits 64
wide: mov rax, 1 << 52
      mov rbx, 1122334455667788h
      mov [rax + results + 16], rbx
      lea rcx, [rax + there]
      call rcx
      mov [results + 24], rdx
      hlt
there:
      lea rdx, [rel there]
      shr rdx, 12
      ret

      align 8
gdt:  dq 0
      dq 00AF9B000000FFFFh
table:
      dw 15
      dd gdt
