#ifndef HOST_KVM_H
#define HOST_KVM_H
// KVM's ioctls as calls that return -errno.

// The API version of the /dev/kvm behind `fd` (12 since 2007), or -errno.
int host_kvm_api_version(int fd);
int host_kvm_open(void);
// 1 when this host's KVM runs riscv64 guests.
int host_is_riscv64(void);
#endif
