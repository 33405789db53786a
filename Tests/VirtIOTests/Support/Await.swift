import CHost

/// Waits until `condition` holds; false when it doesn't within 20 seconds, which are there to end a broken test.
func eventually(_ condition: () -> Bool) -> Bool {
    let limit = host_clock_monotonic_ns() + 20_000_000_000
    while !condition() {
        if host_clock_monotonic_ns() > limit { return false }
        host_sleep_ns(200_000)
    }
    return true
}
