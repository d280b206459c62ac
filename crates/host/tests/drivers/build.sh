#!/bin/sh
# Builds the test drivers of this folder with MinGW-w64, in the versions that samples/TOOLCHAIN names. The .sys files are
# committed, so that the tests need no compiler. To be run from the root of the workspace.
set -eu
folder=crates/host/tests/drivers
ddk=${DDK:-/usr/x86_64-w64-mingw32/include/ddk}
x86_64-w64-mingw32-dlltool -d $folder/missing.def -l $folder/libmissing.a
for name in almost both caller faults guard line measure override routines wire; do
    x86_64-w64-mingw32-gcc -std=gnu11 -O2 -g1 -gno-record-gcc-switches -ffreestanding -fno-ident "-ffile-prefix-map=$PWD=." \
        -fno-stack-protector -fno-strict-aliasing -mno-stack-arg-probe -Wall -Wextra -Wno-multichar \
        -Wno-array-bounds -Wno-infinite-recursion -Iinclude -I$ddk -nostdlib -Wl,--subsystem,native -Wl,--entry,DriverEntry \
        -Wl,--image-base,0x140000000 -Wl,--no-insert-timestamp \
        -o $folder/$name.sys $folder/$name.c -L$folder -lndis -lntoskrnl -lhal -lmissing
done
chmod 644 $folder/*.sys
rm $folder/libmissing.a
