// SPDX-License-Identifier: BSD-3-Clause
/*
 * kvm_guest.c - a guest of a few instructions that tries what a kernel needs of KVM (Linux, Documentation/virt/kvm/api).
 *
 * /dev/kvm may be there and yet run no unmodified kernel: where the machine is a guest itself and has no virtualization
 * hardware, a paravirtual KVM emulates what runs at privilege level 0, as far as it knows the instructions. Kernels use any
 * that CPUID names; Linux's unpacking of itself already does those of BMI2. So this guest does, at level 0 in 64-bit mode,
 * what no instruction emulator need know (a vector addition, which every x86-64 processor has, and BMI2's SHLX if CPUID names
 * it), after it was in real mode, as the firmware is, and before it takes an interrupt of the local APIC's timer out of HLT
 * (Intel SDM volume 3, 10.5.4), as an idle kernel does. Each step is told by a byte to port 80h; KVM's words when it gives
 * up, or the last step, is why it does not work.
 *
 * Real mode begins with the program at its own address; 64-bit mode is entered by the host (KVM_SET_SREGS): paging with
 * 2-MiB pages, the first of memory and the one of the APIC, flat segments, an interrupt table with one gate.
 */
#include "vmm/kvm_guest.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define MEMORY_BYTES 0x10000u
#define CODE16 0x1000u
#define CODE64 0x2000u
#define PML4 0x3000u
#define PDPT 0x4000u
#define PD_LOW 0x5000u
#define PD_APIC 0x6000u
#define IDT 0x7000u
#define GDT 0x8000u
#define STACK_TOP 0xf000u
#define VECTOR 0x40u

#define PAGE_PRESENT 1u
#define PAGE_WRITE 2u
#define PAGE_LARGE 0x80u
#define PAGE_UNCACHED 0x18u /* PCD, PWT */
#define PAGE_2M 0x200000u
#define APIC_BASE 0xfee00000u
#define CR0_LONG 0x80050033u /* PG, AM, WP, NE, ET, MP, PE */
#define CR4_LONG 0x620u	     /* OSXMMEXCPT, OSFXSR, PAE */
#define EFER_LONG 0x500u     /* LMA, LME */
#define SELECTOR_CODE 0x10u
#define SELECTOR_DATA 0x18u
#define SELECTOR_TASK 0x20u
#define DESCRIPTOR_CODE 0x00af9b000000ffffull /* 64-bit, level 0 */
#define DESCRIPTOR_DATA 0x00cf93000000ffffull
#define TYPE_CODE 11
#define TYPE_DATA 3
#define TYPE_TASK 11
#define GATE_INTERRUPT 0x8e00u
#define FLAGS_RESERVED 2u
#define TSS_ADDRESS 0xfffbd000ul
#define CPUID_ENTRIES 256
#define PORT 0x80

/* What it has done, as it says at the port. */
enum step { STEP_NONE, STEP_REAL, STEP_LONG, STEP_SSE, STEP_BMI2, STEP_TIMER, STEPS };

static const char *const attempted[STEPS] = {
	[STEP_NONE] = "real mode",
	[STEP_REAL] = "64-bit mode",
	[STEP_LONG] = "a vector addition at privilege level 0",
	[STEP_SSE] = "an instruction of BMI2 at privilege level 0",
	[STEP_BMI2] = "the timer's interrupt",
};

extern const char kvm_code16[], kvm_code64[];
extern const uint32_t kvm_code16_bytes, kvm_code64_bytes, kvm_code64_irq;

/* Numbers as above: STEP_..., APIC registers at 0xfee00000 + offset (Intel SDM volume 3, table 10-1). */
asm(".pushsection .rodata\n"
    "	.code16\n"
    "kvm_code16:\n"
    "	movb	$1, %al\n" /* STEP_REAL */
    "	outb	%al, $0x80\n"
    "	hlt\n"
    "9:	.balign 4\n"
    "kvm_code16_bytes: .long 9b - kvm_code16\n"
    "	.code64\n"
    "kvm_code64:\n"
    "	movb	$2, %al\n" /* STEP_LONG */
    "	outb	%al, $0x80\n"
    "	movl	$0x11223344, %eax\n"
    "	movd	%eax, %xmm0\n"
    "	movl	$0x01010101, %ecx\n"
    "	movd	%ecx, %xmm1\n"
    "	paddd	%xmm1, %xmm0\n"
    "	movd	%xmm0, %eax\n"
    "	cmpl	$0x12233445, %eax\n"
    "	jne	2f\n"
    "	movb	$3, %al\n" /* STEP_SSE */
    "	outb	%al, $0x80\n"
    "	movl	$7, %eax\n"
    "	xorl	%ecx, %ecx\n"
    "	cpuid\n"
    "	btl	$8, %ebx\n" /* BMI2 */
    "	jnc	1f\n"
    "	movl	$5, %ecx\n"
    "	movl	$3, %edx\n"
    "	shlx	%rcx, %rdx, %r8\n"
    "	cmpq	$96, %r8\n"
    "	jne	2f\n"
    "1:	movb	$4, %al\n" /* STEP_BMI2 */
    "	outb	%al, $0x80\n"
    "	movl	$0xfee00000, %esi\n"
    "	movl	$0x1ff, 0xf0(%rsi)\n"	/* spurious-interrupt vector: enabled */
    "	movl	$0, 0x80(%rsi)\n"	/* task priority */
    "	movl	$0xb, 0x3e0(%rsi)\n"	/* divide by 1 */
    "	movl	$0x40, 0x320(%rsi)\n"	/* LVT timer: one-shot, VECTOR */
    "	movl	$100000, 0x380(%rsi)\n" /* initial count */
    "	sti\n"
    "	hlt\n"
    "2:	cli\n"
    "	hlt\n"
    "3:\n"
    "	movb	$5, %al\n" /* STEP_TIMER */
    "	outb	%al, $0x80\n"
    "	iretq\n"
    "9:	.balign 4\n"
    "kvm_code64_bytes: .long 9b - kvm_code64\n"
    "kvm_code64_irq: .long 3b - kvm_code64\n"
    "	.popsection\n");

/** struct machine - one processor, some memory. */
struct machine {
	int kvm, vm, vcpu;
	uint8_t *memory;
	struct kvm_run *run;
	size_t run_bytes;
};

static int failed(struct reason *why, const char *what)
{
	return refuse(why, errno ? -errno : -EIO, "%s: %s", what, strerror(errno));
}

static int copy_cpuid(const struct machine *m)
{
	struct kvm_cpuid2 *cpuid;
	int error = -1;

	cpuid = calloc(1, sizeof(*cpuid) + CPUID_ENTRIES * sizeof(cpuid->entries[0]));
	if (!cpuid)
		return -1;
	cpuid->nent = CPUID_ENTRIES;
	if (!ioctl(m->kvm, KVM_GET_SUPPORTED_CPUID, cpuid))
		error = ioctl(m->vcpu, KVM_SET_CPUID2, cpuid);
	free(cpuid);
	return error;
}

static int make_machine(struct machine *m, struct reason *why)
{
	struct kvm_userspace_memory_region region = { .memory_size = MEMORY_BYTES };
	int size;

	m->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (m->kvm < 0)
		return failed(why, "/dev/kvm");
	if (ioctl(m->kvm, KVM_GET_API_VERSION, 0) != KVM_API_VERSION)
		return refuse(why, -EPROTO, "/dev/kvm: not the API version that is known");
	m->vm = ioctl(m->kvm, KVM_CREATE_VM, 0);
	if (m->vm < 0)
		return failed(why, "KVM makes no VM");
	m->memory =
		mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (m->memory == MAP_FAILED)
		return failed(why, "memory");
	region.userspace_addr = (uintptr_t)m->memory;
	ioctl(m->vm, KVM_SET_TSS_ADDR, TSS_ADDRESS); /* Intel's need it, others refuse */
	if (ioctl(m->vm, KVM_CREATE_IRQCHIP, 0) ||
	    ioctl(m->vm, KVM_SET_USER_MEMORY_REGION, &region))
		return failed(why, "KVM makes no VM with memory and interrupts");
	m->vcpu = ioctl(m->vm, KVM_CREATE_VCPU, 0);
	size = ioctl(m->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (m->vcpu < 0 || size <= 0 || copy_cpuid(m))
		return failed(why, "KVM makes no processor");
	m->run_bytes = (size_t)size;
	m->run = mmap(NULL, m->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, m->vcpu, 0);
	return m->run == MAP_FAILED ? failed(why, "KVM's processor") : 0;
}

static void fill_memory(uint8_t *memory)
{
	const uint32_t table = PAGE_PRESENT | PAGE_WRITE, large = table | PAGE_LARGE;
	uint32_t irq = CODE64 + kvm_code64_irq;
	uint8_t *gate = memory + IDT + VECTOR * 16;

	memcpy(memory + CODE16, kvm_code16, kvm_code16_bytes);
	memcpy(memory + CODE64, kvm_code64, kvm_code64_bytes);
	put_le64(memory + PML4, PDPT | table);
	put_le64(memory + PDPT, PD_LOW | table);
	put_le64(memory + PDPT + (APIC_BASE >> 30) * 8, PD_APIC | table);
	put_le64(memory + PD_LOW, large);
	put_le64(memory + PD_APIC + (APIC_BASE / PAGE_2M % 512) * 8,
		 APIC_BASE | large | PAGE_UNCACHED);
	put_le64(memory + GDT + SELECTOR_CODE, DESCRIPTOR_CODE);
	put_le64(memory + GDT + SELECTOR_DATA, DESCRIPTOR_DATA);
	put_le16(gate, (uint16_t)irq);
	put_le16(gate + 2, SELECTOR_CODE);
	put_le16(gate + 4, GATE_INTERRUPT);
}

static int set_pc(const struct machine *m, uint64_t at)
{
	const struct kvm_regs regs = { .rip = at, .rsp = STACK_TOP, .rflags = FLAGS_RESERVED };

	return ioctl(m->vcpu, KVM_SET_REGS, &regs);
}

static int enter_real(const struct machine *m)
{
	struct kvm_sregs sregs;

	if (ioctl(m->vcpu, KVM_GET_SREGS, &sregs))
		return -1;
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	return ioctl(m->vcpu, KVM_SET_SREGS, &sregs) ? -1 : set_pc(m, CODE16);
}

static int enter_long(const struct machine *m)
{
	const struct kvm_segment code = { .limit = UINT32_MAX,
					  .selector = SELECTOR_CODE,
					  .type = TYPE_CODE,
					  .present = 1,
					  .s = 1,
					  .l = 1,
					  .g = 1 };
	struct kvm_segment data = code, task = code;
	struct kvm_sregs sregs;

	if (ioctl(m->vcpu, KVM_GET_SREGS, &sregs))
		return -1;
	data.selector = SELECTOR_DATA;
	data.type = TYPE_DATA;
	data.l = 0;
	data.db = 1;
	task.selector = SELECTOR_TASK;
	task.type = TYPE_TASK;
	task.s = task.l = task.g = 0;
	task.limit = 0x67;
	sregs.cs = code;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	sregs.tr = task;
	sregs.gdt.base = GDT;
	sregs.gdt.limit = SELECTOR_DATA + 7;
	sregs.idt.base = IDT;
	sregs.idt.limit = 0xfff;
	sregs.cr0 = CR0_LONG;
	sregs.cr3 = PML4;
	sregs.cr4 = CR4_LONG;
	sregs.efer = EFER_LONG;
	return ioctl(m->vcpu, KVM_SET_SREGS, &sregs) ? -1 : set_pc(m, CODE64);
}

/* Until it says @last. */
static int run_until(const struct machine *m, enum step last, enum step *step, struct reason *why)
{
	const struct kvm_run *run = m->run;

	while (*step != last) {
		if (ioctl(m->vcpu, KVM_RUN, 0))
			return refuse(why, -errno, "KVM at %s: %s", attempted[*step],
				      strerror(errno));
		if (run->exit_reason == KVM_EXIT_INTERNAL_ERROR)
			return refuse(why, -EIO,
				      "KVM gives up at %s (internal error %u): it emulates",
				      attempted[*step], run->internal.suberror);
		if (run->exit_reason != KVM_EXIT_IO || run->io.port != PORT)
			return refuse(why, -EIO, "KVM fails at %s (exit reason %u)",
				      attempted[*step], run->exit_reason);
		if (((const uint8_t *)run)[run->io.data_offset] != *step + 1)
			return refuse(why, -EIO, "KVM errs at %s", attempted[*step]);
		(*step)++;
	}
	return 0;
}

int kvm_guest_run(struct reason *why)
{
	struct machine m = { .kvm = -1, .vm = -1, .vcpu = -1, MAP_FAILED, MAP_FAILED };
	enum step step = STEP_NONE;
	int error = make_machine(&m, why);

	if (error)
		goto out;
	fill_memory(m.memory);
	if (enter_real(&m)) {
		error = failed(why, "KVM refuses real mode");
		goto out;
	}
	error = run_until(&m, STEP_REAL, &step, why);
	if (error)
		goto out;
	error = enter_long(&m) ? failed(why, "KVM refuses 64-bit mode")
			       : run_until(&m, STEP_TIMER, &step, why);
out:
	if (m.run != MAP_FAILED)
		munmap(m.run, m.run_bytes);
	if (m.memory != MAP_FAILED)
		munmap(m.memory, MEMORY_BYTES);
	if (m.vcpu >= 0)
		close(m.vcpu);
	if (m.vm >= 0)
		close(m.vm);
	if (m.kvm >= 0)
		close(m.kvm);
	return error;
}
