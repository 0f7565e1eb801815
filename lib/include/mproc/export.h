/**
 * @file export.h
 * @brief MPROC_DECLARE: what the library exports. Nothing else is visible.
 *
 * Define MPROC_DECLARE_STATIC when linking the static library on Windows;
 * the CMake target and the pkg-config file do it for you.
 */
#ifndef MPROC_EXPORT_H
#define MPROC_EXPORT_H

#if defined(_WIN32) && defined(MPROC_DECLARE_STATIC)
#define MPROC_DECLARE(type) type
#elif defined(_WIN32) && defined(MPROC_DECLARE_EXPORT)
#define MPROC_DECLARE(type) __declspec(dllexport) type
#elif defined(_WIN32)
#define MPROC_DECLARE(type) __declspec(dllimport) type
#else
#define MPROC_DECLARE(type) __attribute__((visibility("default"))) type
#endif

#endif
