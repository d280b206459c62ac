/*
 * A driver with a load configuration, as Microsoft's compiler would make one: a stack cookie and the two pointers of
 * control flow guard. MinGW's linker does not know it, so tests/guard.rs enters it into the headers. Built by build.sh.
 */

#include <ndis.h>

#define DEFAULT_COOKIE 0x00002B992DDFA232ull

static struct {
    volatile ULONG_PTR Cookie;
    volatile ULONG_PTR Complement;
} Cookie = { DEFAULT_COOKIE, ~DEFAULT_COOKIE };

/* Read-only, as the real ones are: only the loader writes them. */
__attribute__((used)) static PVOID const Pointers[2] = { NULL, NULL };

/* IMAGE_LOAD_CONFIG_DIRECTORY64 of the page "PE Format", up to GuardFlags. */
struct _LOAD_CONFIG {
    ULONG Size;
    ULONG Marker;
    UCHAR Before[0x50];
    PVOID SecurityCookie;
    UCHAR Between[0x10];
    PVOID GuardCFCheckFunctionPointer;
    PVOID GuardCFDispatchFunctionPointer;
    UCHAR After[0x10];
    ULONG GuardFlags;
};
__attribute__((used)) static const struct _LOAD_CONFIG LoadConfig = {
    .Size = sizeof(struct _LOAD_CONFIG),
    .Marker = 0x434C4443, /* "CDLC": what the test looks for */
    .SecurityCookie = (PVOID)&Cookie.Cookie,
    .GuardCFCheckFunctionPointer = (PVOID)&Pointers[0],
    .GuardCFDispatchFunctionPointer = (PVOID)&Pointers[1],
    .GuardFlags = 0x100,
};
_Static_assert(__builtin_offsetof(struct _LOAD_CONFIG, SecurityCookie) == 0x58, "SecurityCookie");
_Static_assert(__builtin_offsetof(struct _LOAD_CONFIG, GuardCFCheckFunctionPointer) == 0x70, "the check");
_Static_assert(__builtin_offsetof(struct _LOAD_CONFIG, GuardFlags) == 0x90, "GuardFlags");

static __attribute__((noinline, used)) ULONG_PTR Target(VOID)
{
    return 42;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    ULONG_PTR Checked, Dispatched;
    PVOID volatile const *Table = Pointers;

    UNREFERENCED_PARAMETER(DriverObject);
    UNREFERENCED_PARAMETER(RegistryPath);
    DbgPrint("cookie set %d, complement %d, high bytes %d\n", Cookie.Cookie != DEFAULT_COOKIE,
             Cookie.Complement == ~Cookie.Cookie, (ULONG)(Cookie.Cookie >> 48));
    __asm__ volatile("sub $40, %%rsp; mov %1, %%rcx; call *%2; add $40, %%rsp; mov %%rcx, %0"
                     : "=r"(Checked) : "r"((ULONG_PTR)&Target), "r"(Table[0]) : "rcx", "memory");
    __asm__ volatile("sub $40, %%rsp; mov %1, %%rax; call *%2; add $40, %%rsp"
                     : "=&a"(Dispatched) : "r"((ULONG_PTR)&Target), "r"(Table[1])
                     : "rcx", "rdx", "r8", "r9", "r10", "r11", "memory");
    DbgPrint("checked %d, dispatched %d\n", Checked == (ULONG_PTR)&Target, (ULONG)Dispatched);
    return STATUS_SUCCESS;
}
