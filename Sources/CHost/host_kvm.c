#define _GNU_SOURCE
#include "host_kvm.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

int host_kvm_open(void) {
    int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}
int host_kvm_api_version(int fd) {
    int version = ioctl(fd, KVM_GET_API_VERSION, 0);
    return version < 0 ? -errno : version;
}
int host_is_riscv64(void) {
#if defined(__riscv) && __riscv_xlen == 64
    return 1;
#else
    return 0;
#endif
}
