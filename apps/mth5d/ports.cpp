#include "ports.hpp"

#include <iostream>

#include "acquisition/source/ports.hpp"
#include "cli/cli.hpp"
#include "mth5/printable.hpp"

namespace mth5d {

int list_ports() {
  const auto ports = daq::source::list_ports();
  for (const auto& port : ports) {
    std::string text = port.device.string();
    for (const auto* part : {&port.driver, &port.ids, &port.product})
      if (!part->empty()) text += "  " + *part;
    text += "\n";
    if (!port.by_id.empty()) text += "  by-id    " + port.by_id.string() + "\n";
    if (!port.by_path.empty()) text += "  by-path  " + port.by_path.string() + "\n";
    for (const auto& holder : port.holders) {
      const auto* thief = daq::source::known_thief(holder.program);
      text += "  held by  " + holder.program + " (process " + std::to_string(holder.pid) + ")" +
              (thief == nullptr ? "" : ": " + std::string{thief->cure}) + "\n";
    }
    std::cout << mth5::printable_lines(text);
  }
  if (ports.empty()) cli::tell("mth5d", "no serial port is there");
  return cli::kDone;
}

}  // namespace mth5d
