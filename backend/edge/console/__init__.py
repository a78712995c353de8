"""The console (管理后台): pages on which staff work, on a web server of their own."""
