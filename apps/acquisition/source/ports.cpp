#include "acquisition/source/ports.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <functional>
#include <map>
#include <optional>

namespace daq::source {

namespace fs = std::filesystem;

namespace {

constexpr std::array kThieves{
    Thief{"gpsd",
          "gpsd takes ports that look like a GPS; systemctl disable --now gpsd.socket gpsd, or USBAUTO=\"false\" in "
          "/etc/default/gpsd"},
    Thief{"ModemManager",
          "it probes new ports for a modem; systemctl disable --now ModemManager, or a udev rule with "
          "ENV{ID_MM_DEVICE_IGNORE}=\"1\" for this adapter"},
    Thief{"brltty", "it takes USB adapters for a Braille display; apt remove brltty, or mask its service and udev rule"},
};

std::string first_line(const fs::path& path) {
  std::ifstream in{path};
  std::string line;
  std::getline(in, line);
  return line;
}

/// The name behind a link; "" if there is none.
std::string target_name(const fs::path& link) {
  std::error_code none;
  const auto to = fs::read_symlink(link, none);
  return none ? "" : to.filename().string();
}

struct stat status_of(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) status = {};
  return status;
}

bool is_pseudo(const struct stat& port) {
  constexpr unsigned kFirst = 136, kLast = 143;  // majors, Documentation/admin-guide/devices.txt of Linux
  return S_ISCHR(port.st_mode) && major(port.st_rdev) >= kFirst && major(port.st_rdev) <= kLast;
}

/// It is the same port, by whatever name: the same file, or another node of the same device. Pseudo terminals have one file each;
/// of another container's the numbers are the same.
bool is_same_port(const struct stat& port, const struct stat& open) {
  if (port.st_ino == 0 || open.st_ino == 0) return false;
  if (port.st_dev == open.st_dev && port.st_ino == open.st_ino) return true;
  return S_ISCHR(port.st_mode) && S_ISCHR(open.st_mode) && port.st_rdev == open.st_rdev && !is_pseudo(port);
}

/// It holds the other end of the pseudo terminal: the instrument, perhaps a simulated one, and no rival. Linux tells which of all
/// a `ptmx` is; that of another container, as far as its file says so, is another's.
bool is_master_of(const fs::path& terminal, const fs::path& link) {
  if (terminal.parent_path().filename() != "pts" || target_name(link) != "ptmx") return false;
  std::error_code gone;
  if (fs::read_symlink(link, gone).parent_path().filename() == "pts" && status_of(link).st_dev != status_of(terminal).st_dev)
    return false;
  std::ifstream in{link.parent_path().parent_path() / "fdinfo" / link.filename()};
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("tty-index:")) return line.substr(line.find_last_of(" \t") + 1) == terminal.filename();
  return false;
}

void each_process(const fs::path& proc, const std::function<void(std::int64_t pid, const fs::path& folder)>& see) {
  std::error_code gone;  // processes come and go while we look
  for (fs::directory_iterator all{proc, gone}; !gone && all != fs::directory_iterator{}; all.increment(gone)) {
    const auto name = all->path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos || name.size() > 10) continue;
    const auto pid = std::stoll(name);
    if (pid != getpid()) see(pid, all->path());
  }
}

/// Where the links of a folder lead: name of the device → link.
std::map<std::string, fs::path> links(const fs::path& folder) {
  std::map<std::string, fs::path> found;
  std::error_code none;
  for (fs::directory_iterator all{folder, none}; !none && all != fs::directory_iterator{}; all.increment(none)) {
    const auto name = target_name(all->path());
    if (!name.empty()) found.emplace(name, all->path());
  }
  return found;
}

/// A file of the device or of the USB device above it.
std::string attribute(fs::path folder, const char* name) {
  std::error_code none;
  for (int up = 0; up < 4 && !folder.empty(); ++up, folder = folder.parent_path())
    if (fs::exists(folder / name, none)) return first_line(folder / name);
  return "";
}

/// The driver of the hardware. Since Linux 6.5 a port of the base board has two layers of the serial core above it.
std::string driver_of(fs::path device) {
  while (target_name(device / "subsystem") == "serial-base") device = device.parent_path();
  return target_name(device / "driver");
}

}  // namespace

bool is_pseudo_terminal(const fs::path& device) { return is_pseudo(status_of(device)); }

const Thief* known_thief(std::string_view program) {
  const auto found = std::find_if(kThieves.begin(), kThieves.end(), [&](const Thief& t) { return t.program == program; });
  return found == kThieves.end() ? nullptr : &*found;
}

std::vector<PortHolder> holders_of(const fs::path& device, const SystemFolders& system) {
  std::vector<PortHolder> holders;
  std::error_code none;
  const auto real = fs::canonical(device, none);
  if (none) return holders;
  const auto port = status_of(real);
  each_process(system.proc, [&](std::int64_t pid, const fs::path& folder) {
    std::error_code closed;
    bool holds = false;
    for (fs::directory_iterator open{folder / "fd", closed}; !closed && open != fs::directory_iterator{};
         open.increment(closed)) {
      holds |= is_same_port(port, status_of(open->path()));  // what is open, not what its name says: that is of its own namespace
      if (is_master_of(real, open->path())) return;
    }
    if (holds) holders.push_back({pid, first_line(folder / "comm")});
  });
  std::sort(holders.begin(), holders.end(), [](const auto& a, const auto& b) { return a.pid < b.pid; });
  return holders;
}

std::string who_has(const fs::path& device, const SystemFolders& system) {
  const auto holders = holders_of(device, system);
  if (!holders.empty()) {
    const auto& first = holders.front();
    const auto* thief = known_thief(first.program);
    return " (process " + std::to_string(first.pid) + (first.program.empty() ? "" : ", " + first.program) + ")" +
           (thief == nullptr ? "" : ": " + std::string{thief->cure});
  }
  std::string text;
  std::error_code none;
  const bool there = fs::exists(device, none);
  each_process(system.proc, [&](std::int64_t pid, const fs::path& folder) {
    const auto* thief = known_thief(first_line(folder / "comm"));
    if (thief == nullptr || (!there && thief->program != "brltty")) return;
    text += (text.empty() ? "; it may be " : ", or ") + std::string{thief->program} + ", which runs here (process " +
            std::to_string(pid) + "): " + std::string{thief->cure};
  });
  return text;
}

std::vector<Port> list_ports(const SystemFolders& system) {
  std::vector<Port> ports;
  const auto ids = links(system.dev / "serial" / "by-id");
  const auto paths = links(system.dev / "serial" / "by-path");
  std::error_code none;
  for (fs::directory_iterator all{system.sys / "class" / "tty", none}; !none && all != fs::directory_iterator{};
       all.increment(none)) {
    const auto name = all->path().filename().string();
    std::error_code missing;
    // Consoles and pseudo terminals have no device; of ports that a board could have, those without a chip have type 0.
    const auto device = fs::canonical(all->path() / "device", missing);
    if (missing || first_line(all->path() / "type") == "0") continue;
    Port port;
    port.device = system.dev / name;
    port.driver = driver_of(device);
    const auto vendor = attribute(device, "idVendor");
    if (!vendor.empty()) port.ids = vendor + ":" + attribute(device, "idProduct");
    if (!vendor.empty()) port.product = attribute(device, "product");
    if (const auto found = ids.find(name); found != ids.end()) port.by_id = found->second;
    if (const auto found = paths.find(name); found != paths.end()) port.by_path = found->second;
    port.holders = holders_of(port.device, system);
    ports.push_back(std::move(port));
  }
  std::sort(ports.begin(), ports.end(), [](const Port& a, const Port& b) { return a.device < b.device; });
  return ports;
}

}  // namespace daq::source
