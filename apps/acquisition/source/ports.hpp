#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

/// The serial ports of this computer, and who has them. Thread: any; reads /dev, /sys and /proc, some milliseconds.
namespace daq::source {

/// Where the system is looked at; of a test: folders of its own.
struct SystemFolders {
  std::filesystem::path dev = "/dev", sys = "/sys", proc = "/proc";
};

struct PortHolder {
  std::int64_t pid = 0;
  std::string program;  ///< "" = not told
};

struct Port {
  std::filesystem::path device;          ///< /dev/ttyUSB0
  std::filesystem::path by_id, by_path;  ///< "" = none
  std::string driver;                    ///< ftdi_sio
  std::string ids;                       ///< "0403:6001", vendor and product of USB; "" = none
  std::string product;                   ///< in its own words
  std::vector<PortHolder> holders;
};

/// By device. Ports of the base board that have no hardware behind them are left out.
[[nodiscard]] std::vector<Port> list_ports(const SystemFolders& system = {});

/// Which other processes have the port open, but for the one at the other end of a pseudo terminal. Those of other users are seen
/// by root only.
[[nodiscard]] std::vector<PortHolder> holders_of(const std::filesystem::path& device, const SystemFolders& system = {});

/// Whether it is an end of a pseudo terminal (pts), by whatever name. False of what is not there.
[[nodiscard]] bool is_pseudo_terminal(const std::filesystem::path& device);

/// The programs that are known to take serial ports for themselves.
struct Thief {
  std::string_view program, cure;
};
/// @returns nullptr: it is none
[[nodiscard]] const Thief* known_thief(std::string_view program);

/// For a port that cannot be had: " (process 812, ModemManager): cure", or which known thieves run here where nobody can be seen
/// to have it (of a port that is not there: brltty, which takes adapters away from their driver); "" if neither.
[[nodiscard]] std::string who_has(const std::filesystem::path& device, const SystemFolders& system = {});

}  // namespace daq::source
