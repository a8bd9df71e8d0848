#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace daq::config {

/// A password that stands in a file of its own, so that no configuration, command line, log or status has it.
struct Password {
  std::string text{};
  std::string problem{};  ///< "PATH: ..."; "" = good
};
/// The one line of the file, without its end. A file that others than its owner and its group may read is refused. Thread: any.
[[nodiscard]] Password read_password(const std::filesystem::path& path);

/// What keeps a name from being a user of HTTP (RFC 7617); "" = nothing.
[[nodiscard]] std::string check_user(std::string_view text);
/// "Basic YWR1OnNlY3JldA==", the value of Authorization.
[[nodiscard]] std::string basic_authorization(std::string_view user, std::string_view password);

}  // namespace daq::config
