#pragma once

namespace mth5d {

/// --list-ports: the serial ports, on stdout. @returns the exit code
int list_ports();

}  // namespace mth5d
