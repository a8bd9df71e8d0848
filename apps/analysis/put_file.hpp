#pragma once

#include <filesystem>
#include <string_view>

namespace analysis {

/// Makes a file of that text; nothing may have its name. Thread: any.
/// @returns 0, or errno: why not all of it is there, and then nothing is
[[nodiscard]] int put_file(const std::filesystem::path& path, std::string_view text);

}  // namespace analysis
