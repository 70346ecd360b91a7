module github.com/vedette/vedette/ui

go 1.26.0
